# cmake -D FOLDER=... -D ASSETS=a;b -D INTO=assets.cpp -P embed.cmake
# Writes dashboard_assets() (assets.hpp) over the bytes of these files.
set(types
  "css=text/css\; charset=utf-8" "html=text/html\; charset=utf-8" "js=text/javascript\; charset=utf-8"
  "svg=image/svg+xml")
set(arrays "")
set(rows "")
set(number 0)
list(SORT ASSETS)
foreach(name IN LISTS ASSETS)
  file(READ "${FOLDER}/${name}" bytes HEX)
  file(SHA256 "${FOLDER}/${name}" hash)
  string(SUBSTRING "${hash}" 0 32 hash)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  get_filename_component(extension "${name}" LAST_EXT)
  string(SUBSTRING "${extension}" 1 -1 extension)
  set(type "")
  foreach(pair IN LISTS types)
    if(pair MATCHES "^${extension}=(.*)$")
      set(type "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  if(NOT type)
    message(FATAL_ERROR "embed.cmake knows no content type for ${name}: add it to 'types'")
  endif()
  string(APPEND arrays "constexpr unsigned char bytes_${number}[] = {\n${bytes}};\n\n")
  string(APPEND rows "      {\"${name}\", \"${type}\", view(bytes_${number}), \"\\\"${hash}\\\"\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${INTO}" "// Made by embed.cmake from services/dashboard/dist/. Changes are lost.
#include \"services/dashboard/assets.hpp\"

namespace expbuild {

namespace {

${arrays}template <std::size_t N>
std::string_view view(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char*>(bytes), N};
}

} // namespace

std::span<const dashboard_asset> dashboard_assets() {
  static const dashboard_asset all[] = {
${rows}  };
  return all;
}

} // namespace expbuild
")
