#pragma once
#include <span>
#include <string_view>

/// The dashboard: what a browser needs to show the daemon, embedded in the binary. The sources are
/// in src/; dist/ is what `./dev dashboard` makes of them, and what is embedded.

namespace expbuild {

/// One file of it. All parts live as long as the program.
struct dashboard_asset {
  /// Below /ui/: "app.js". "index.html" also answers every other path there.
  std::string_view path;
  std::string_view content_type; ///< with its charset
  std::string_view bytes;        ///< not compressed
  std::string_view etag;         ///< with its quotes: a hash of the bytes
};

/// All of them, in the order of their paths. Any thread; never fails.
std::span<const dashboard_asset> dashboard_assets();

/// What a browser may do with them: nothing from elsewhere, no script or style but those files, no
/// HTML made from text. Goes into the Content-Security-Policy header of every asset.
inline constexpr std::string_view dashboard_content_security_policy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

} // namespace expbuild
