#pragma once

#include <span>
#include <string>

#include "dataplane/filter/native.hh"

namespace smol::dataplane::filter {

/// Makes machine code of a program, as Filter does; empty if it cannot be had.
using Compile = Native (*)(std::span<const Instruction> program);

/// Whether compiled filters say what the interpreter says, over a few programs and packets that
/// found compilers out: indirect loads, single bits, constants with the highest bit, chains of
/// buffers. Empty: they do, or nothing can be compiled here. Else one line on what differs, and
/// use_interpreter() is due. Takes a millisecond.
std::string self_test(Compile compile);
/// Of what Filter uses.
std::string self_test();

}  // namespace smol::dataplane::filter
