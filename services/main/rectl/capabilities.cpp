#include "services/main/rectl/ask.hpp"

#include <iostream>

namespace expbuild::rectl {

namespace {

std::string version_of(const build::bazel::semver::SemVer& x) {
  return std::to_string(x.major()) + "." + std::to_string(x.minor());
}

void print(const reapi::ServerCapabilities& x) {
  const auto& cache = x.cache_capabilities();
  std::cout << "API versions      " << version_of(x.low_api_version()) << " to "
            << version_of(x.high_api_version()) << "\ndigest functions ";
  for (const auto function : cache.digest_functions())
    std::cout << " "
              << reapi::DigestFunction::Value_Name(
                     static_cast<reapi::DigestFunction::Value>(function));
  std::cout << "\nexecution         " << (x.execution_capabilities().exec_enabled() ? "yes" : "no")
            << "\ncache updates     "
            << (cache.action_cache_update_capabilities().update_enabled() ? "yes" : "no")
            << "\nlargest batch     " << cache.max_batch_total_size_bytes() << " bytes\n"
            << "compressors      ";
  for (const auto compressor : cache.supported_compressors())
    std::cout << " "
              << reapi::Compressor::Value_Name(static_cast<reapi::Compressor::Value>(compressor));
  std::cout << (cache.supported_compressors().empty() ? " none\n" : "\n");
}

int run_capabilities(const globals& given) {
  reapi::GetCapabilitiesRequest request;
  request.set_instance_name(given.connection.instance);
  return ask(given, &client::capabilities, &reapi::Capabilities::Stub::GetCapabilities, request,
             "asking for the capabilities", print);
}

} // namespace

verb add_capabilities(CLI::App& app) {
  app.add_subcommand("capabilities", "what the server can do");
  return run_capabilities;
}

} // namespace expbuild::rectl
