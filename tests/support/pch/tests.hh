// Precompiled for the test programs of many files: half of what each takes to compile is this.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
