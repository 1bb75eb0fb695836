// Writes blobs for ever, telling each on stdout once it is committed: killed by the crash test.
#include "storage/backend.hpp"

#include <cstdio>
#include <string>

int main(int, char** argv) {
  using namespace expbuild;
  const auto store = make_filesystem_backend({argv[1]});
  for (long i = std::atol(argv[2]);; ++i) {
    const auto id = write_blob(
        **store, std::string(100'000, static_cast<char>('a' + i % 26)) + std::to_string(i),
        digest_function::sha256);
    if (!id.ok())
      return 1;
    std::printf("%s\n", id->to_string().c_str());
    std::fflush(stdout);
  }
}
