// Pictures as the graphs want them, from and to binary PPM.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

// A picture in a mirrored frame of at least 8 pixels, which makes its sides multiples of 16.
struct Picture {
  int64_t width, height, w, h;
  std::vector<float> planes;  // (1, 3, h, w), RGB, 0 to 255

  explicit Picture(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::string magic, most;
    if (!(file >> magic >> width >> height >> most) || magic != "P6" || most != "255" || width < 32 || height < 32)
      fprintf(stderr, "%s is not a binary PPM of at least 32 x 32 pixels\n", path), exit(1);
    std::vector<unsigned char> rgb(3 * width * height);
    file.ignore().read(reinterpret_cast<char*>(rgb.data()), rgb.size());
    w = (width + 31) / 16 * 16, h = (height + 31) / 16 * 16, planes.resize(3 * h * w);
    for (int64_t i = 0; i < 3 * h * w; i++) {
      int64_t y = mirrored(i / w % h - (h - height) / 2, height), x = mirrored(i % w - (w - width) / 2, width);
      planes[i] = rgb[3 * (y * width + x) + i / (h * w)];
    }
  }
  static int64_t mirrored(int64_t i, int64_t length) { return i < 0 ? -i : i < length ? i : 2 * length - 2 - i; }

  void save(const char* path, const float* painted) const {  // what is inside the frame
    std::ofstream file(path, std::ios::binary);
    file << "P6 " << width << " " << height << " 255\n";
    for (int64_t i = 0; i < 3 * height * width; i++) {
      int64_t y = i / 3 / width + (h - height) / 2, x = i / 3 % width + (w - width) / 2;
      file.put(static_cast<char>(std::lround(painted[(i % 3 * h + y) * w + x])));
    }
  }
};
