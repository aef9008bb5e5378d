// A stand-in for ONNX Runtime's header, for machines that have the library without it:
// the types and functions that paint.cpp uses, where version 11 of the interface has
// them, as all later versions do. With the real one, leave out -I.
#pragma once
#include <cstddef>
#include <cstdint>

#define ORT_API_VERSION 11

struct OrtEnv;
struct OrtStatus;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtAllocator;
struct OrtValue;

enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING = 2 };
enum ONNXTensorElementDataType { ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT = 1 };

struct OrtApi {
  void* other_0[2];
  const char* (*GetErrorMessage)(const OrtStatus*);
  OrtStatus* (*CreateEnv)(OrtLoggingLevel, const char* name, OrtEnv**);
  void* other_4[3];
  OrtStatus* (*CreateSession)(const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession**);
  void* other_8;
  OrtStatus* (*Run)(OrtSession*, const OrtRunOptions*, const char* const* input_names, const OrtValue* const* inputs,
                    size_t input_count, const char* const* output_names, size_t output_count, OrtValue** outputs);
  OrtStatus* (*CreateSessionOptions)(OrtSessionOptions**);
  void* other_11[37];
  OrtStatus* (*CreateTensorAsOrtValue)(OrtAllocator*, const int64_t* shape, size_t rank, ONNXTensorElementDataType,
                                       OrtValue**);
  void* other_49[2];
  OrtStatus* (*GetTensorMutableData)(OrtValue*, void**);
  void* other_52[26];
  OrtStatus* (*GetAllocatorWithDefaultOptions)(OrtAllocator**);
};

struct OrtApiBase {
  const OrtApi* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};

extern "C" const OrtApiBase* OrtGetApiBase();
