// Paints a photo in the style of a painting, with ONNX Runtime's C interface, on Linux and macOS:
//     g++ -std=c++17 -O2 -I. paint.cpp -lonnxruntime -o paint
//     ./paint vgg19-lite.onnx photo.ppm painting.ppm out.ppm [EVALUATIONS]
// The pictures have the size that is painted. -I. finds a stand-in for ONNX Runtime's header.
#include <onnxruntime_c_api.h>
#include <map>
#include "picture.h"
using std::string, std::vector;
using Values = std::map<string, OrtValue*>;  // they live until the program ends

const int64_t SLOTS = 20 + 1;     // the optimiser remembers 20 steps
const int64_t FIXED_SUMS = 1320;  // of vgg19-lite: the number with which the shape of point_sums begins
const struct { string kind, layer; double share; } TERMS[] = {
    {"content", "conv3_1", 1}, {"content", "conv4_2", 1}, {"content", "conv5_2", 700}, {"style", "conv1_1", 64},
    {"style", "conv2_1", 16}, {"style", "conv3_1", 4}, {"style", "conv4_1", 1}, {"style", "conv5_1", 1}};
const OrtApi* ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);

void check(OrtStatus* status) {
  if (status) fprintf(stderr, "%s\n", ort->GetErrorMessage(status)), exit(1);
}
float* data(OrtValue* value, void* found = nullptr) {
  return check(ort->GetTensorMutableData(value, &found)), static_cast<float*>(found);
}
OrtValue* tensor(const vector<int64_t>& shape, double fill = 0, const vector<float>& values = {}) {
  OrtAllocator* memory;
  OrtValue* value;
  check(ort->GetAllocatorWithDefaultOptions(&memory));
  check(ort->CreateTensorAsOrtValue(memory, shape.data(), shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
  size_t count = 1;
  for (auto side : shape) count *= side;
  return std::fill_n(data(value), count, fill), std::copy(values.begin(), values.end(), data(value)), value;
}
void run(OrtSession* session, const Values& feeds, Values& results) {  // into values that are there, or new ones
  vector<const char*> in, out;
  vector<OrtValue*> inputs, outputs;
  for (auto& [name, value] : feeds) in.push_back(name.c_str()), inputs.push_back(value);
  for (auto& [name, value] : results) out.push_back(name.c_str()), outputs.push_back(value);
  check(ort->Run(session, nullptr, in.data(), inputs.data(), in.size(), out.data(), out.size(), outputs.data()));
  for (size_t i = 0; i < out.size(); i++) results[out[i]] = outputs[i];
}

int main(int count, char** words) {
  if (count < 5) return puts("How to call this program stands at the top of paint.cpp."), 2;
  OrtEnv* env;
  OrtSessionOptions* options;
  OrtSession *targets, *descent;
  const string model(words[1], string(words[1]).rfind("onnx"));
  check(ort->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "paint", &env));
  check(ort->CreateSessionOptions(&options));
  check(ort->CreateSession(env, (model + "targets.onnx").c_str(), options, &targets));
  check(ort->CreateSession(env, (model + "descend.onnx").c_str(), options, &descent));
  const Picture content(words[2]), style(words[3]);
  const int64_t h = content.h, w = content.w, evaluations = count > 5 ? atoi(words[5]) : 40;
  Values of_content, of_style, feeds = {{"free", tensor({1, 1, h, w}, 1)}, {"tv_weight", tensor({})}};
  for (auto& [kind, layer, share] : TERMS) {
    (kind == "content" ? of_content : of_style)[kind + "_target/" + layer] = nullptr;
    feeds[kind + "_weight/" + layer] = tensor({}, kind == "content" ? share / 702 * 512 * 512 / (h * w) : share * 30 / 86);
  }
  run(targets, {{"image", tensor({1, 3, h, w}, 0, content.planes)}}, of_content);
  run(targets, {{"image", tensor({1, 3, style.h, style.w}, 0, style.planes)}}, of_style);
  feeds.merge(of_content), feeds.merge(of_style);
  // The state, twice: each is made from the other. The pairs are in both, and stay in place.
  Values in[2], out[2], pairs = {{"steps", tensor({3, h, SLOTS, w})}, {"changes", tensor({3, h, SLOTS, w})}};
  for (int i : {0, 1}) {
    in[i] = {{"image", tensor({1, 3, h, w}, 0, content.planes)}, {"inverse", tensor({SLOTS, SLOTS})},
             {"numbers", tensor({12})}, {"point_sums", tensor({FIXED_SUMS + 2 * h - 1})}};
    for (auto name : {"point", "point_gradient", "direction"}) in[i][name] = tensor({1, 3, h, w});
    in[i].insert(pairs.begin(), pairs.end());
    for (auto& [name, value] : in[i]) out[1 - i]["next/" + name] = value;
    in[i].insert(feeds.begin(), feeds.end());
  }
  int done = 0;
  for (bool ended = false; done < evaluations && !ended; done++) {
    run(descent, in[done % 2], out[done % 2]);
    const float* numbers = data(out[done % 2]["next/numbers"]);
    printf("%d %.8e\n", done + 1, numbers[1]);
    ended = numbers[9] || !std::isfinite(numbers[1]);
  }
  content.save(words[4], data(in[done % 2]["point"]));
}
