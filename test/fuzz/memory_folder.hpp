#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

/// One folder for all inputs of a fuzzer, in memory where that is possible.
inline const std::filesystem::path& memory_folder() {
  static const auto path = [] {
    auto name = std::string(std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp")
                + "/expbuild-fuzz-XXXXXX";
    std::filesystem::path made(::mkdtemp(name.data()));
    std::atexit([] { std::filesystem::remove_all(memory_folder()); });
    return made;
  }();
  return path;
}

inline void write_in_memory(const char* name, std::string_view bytes) {
  std::ofstream(memory_folder() / name, std::ios::binary | std::ios::trunc) << bytes;
}

inline std::string read_in_memory(const char* name) {
  std::ifstream file(memory_folder() / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
