#pragma once

#include <filesystem>
#include <string>

namespace smol::bench {

/// Where results go: bench/ of the build folder that this program lies in, else of the current one.
std::filesystem::path default_out();
/// The runs to compare with: docs/benchmarks/ of the current folder or one above it, else of what
/// lies above this program; empty: there is none.
std::filesystem::path default_kept();
/// The daemon of the same build or installation; empty: there is none. And its inspector.
std::filesystem::path default_smold();
std::filesystem::path default_smoldump();
std::filesystem::path default_smolctl();

/// Writes `text` in place of what the file held. Throws Failure.
void write_file(const std::filesystem::path& file, const std::string& text);

}  // namespace smol::bench
