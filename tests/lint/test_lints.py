"""Each of the smaller lints fails when its rule is broken, and passes on what is like it but right."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import REPOSITORY, Tree

# --- format -----------------------------------------------------------------------------------------


@pytest.fixture
def formatted(tree: Tree) -> Tree:
    tree.write(".clang-format", (REPOSITORY / ".clang-format").read_text())
    return tree


def test_format_wants_cpp_as_clang_format_writes_it(formatted: Tree) -> None:
    formatted.write("protocols/base/a.cc", "int f() {\n  return 1;\n}\n")
    assert formatted.complaints("format") == []
    formatted.write("protocols/base/a.cc", "int f()\n{ return 1; }\n")
    assert formatted.complaints("format") == ["protocols/base/a.cc:1: is not as clang-format writes it: ./dev format"]


def test_format_in_place_makes_it_so(formatted: Tree) -> None:
    file = formatted.write("protocols/base/a.cc", "int f()\n{ return 1; }\n")
    assert formatted.complaints("format", "--in-place") == []
    assert file.read_text() == "int f() {\n  return 1;\n}\n"


@pytest.mark.parametrize(("path", "text", "complaint"), [
    ("a.py", "x = 1 \n", "a.py:1: has white space at the end of the line"),
    ("a.py", "x = 1\n\ty = 2\n", "a.py:2: has a tab"),
    ("a.py", "x = 1", "a.py:1: has no newline at its end"),
    ("a.py", "x = 1\n\n", "a.py:2: ends with an empty line"),
    ("docs/a.md", "\tcode\n", "docs/a.md:1: has a tab"),
])
def test_format_wants_no_stray_white_space(formatted: Tree, path: str, text: str, complaint: str) -> None:
    formatted.write(path, text)
    lines = formatted.complaints("format")
    assert len(lines) == 1
    assert lines[0].startswith(complaint)


@pytest.mark.parametrize(("path", "text"), [
    ("docs/a.md", "a hard break  \nin Markdown\n"),
    ("tests/a.tsv", "a\tb\t\n"),
    ("tests/golden/a.out", "as printed \t\n\n"),
    ("tests/fuzz/corpus/tcp/1", "abc \t"),
    ("tests/a.pcap", b"\xd4\xc3\xb2\xa1 \t"),
    ("a.dat", b"\x00 \t"),
    ("build/a.py", "x = 1 \t"),
    ("empty", ""),
])
def test_format_leaves_what_is_no_prose(formatted: Tree, path: str, text: str | bytes) -> None:
    formatted.write(path, text)
    assert formatted.complaints("format") == []


# --- leaks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "see /wor" "k/main/docs", "cd /roo" "t/x", "/tmp/buil" "d-me/smold", "in ../shar" "ed/design.md",
    "/hom" "e/alice/src", "the .librar" "y/search tool",
])
def test_leaks_finds_a_place_outside_the_repository(tree: Tree, text: str) -> None:
    tree.write("docs/a.md", f"fine\n{text}\n")
    lines = tree.complaints("leaks")
    assert len(lines) == 1
    assert lines[0].startswith("docs/a.md:2: names a place outside the repository")


def test_leaks_leaves_ordinary_paths(tree: Tree) -> None:
    tree.write("docs/a.md", "/etc/smol/smold.yaml /usr/bin/smold docs/work/a src/root/b a/workers /worker\n")
    assert tree.complaints("leaks") == []


# --- links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "complaint"), [
    ("[a](missing.md)", "links to missing.md, which does not exist"),
    ("![a](../images/x.png)", "links to ../images/x.png, which does not exist"),
    ("[a](/docs/missing.md)", "links to /docs/missing.md, which does not exist"),
    ("[a][b]\n\n[b]: gone.md", "links to gone.md, which does not exist"),
    ("[a](#no-such)", "the file has no such heading"),
    ("[a](other.md#no-such)", "the file has no such heading"),
    ("[a](../../../etc/passwd)", "outside the repository"),
])
def test_links_must_lead_somewhere(tree: Tree, text: str, complaint: str) -> None:
    tree.write("docs/other.md", "# Other\n")
    tree.write("docs/a.md", f"# A\n\n{text}\n")
    lines = tree.complaints("links")
    assert len(lines) == 1
    assert complaint in lines[0]


def test_links_that_do_are_fine(tree: Tree) -> None:
    tree.write("docs/other.md", "# The `./dev` command, and more\n# Twice\n# Twice\n")
    tree.write("docs/a.md", "# A b\n[x](other.md) [x](#a-b)\n"
               "[x](other.md#the-dev-command-and-more) [x](/docs/other.md)\n"
               "[x](other.md#twice-1) [x](https://example.org/none) `[x](code.md)`\n\n```\n[x](fenced.md)\n```\n")
    assert tree.complaints("links") == []


# --- requirements -----------------------------------------------------------------------------------

TABLE = "id\tlevel\tsource\tsentence\nTCP-001\tMUST\tRFC 9293\tIt does.\nTRAP-01\ttrap\tpractice\tIt copes.\n"


def test_requirements_accepts_citations_of_rows(tree: Tree) -> None:
    tree.write("tests/requirements.tsv", TABLE)
    tree.write("tests/protocols/tcp/a_test.cc", "// TCP-001, TRAP-01; not XTCP-999, UTF-8, TCP-9 or TCP-0001\n")
    assert tree.complaints("requirements") == []


@pytest.mark.parametrize("path", ["tests/protocols/tcp/a_test.cc", "tests/interop/test_a.py", "docs/a.md"])
def test_requirements_refuses_an_unknown_id(tree: Tree, path: str) -> None:
    tree.write("tests/requirements.tsv", TABLE)
    tree.write(path, "// TCP-001\n// TCP-002\n")
    assert tree.complaints("requirements") == [f"{path}:2: cites TCP-002, which is no row of tests/requirements.tsv"]


@pytest.mark.parametrize(("row", "complaint"), [
    ("TCP-001\tMUST\tx\tAgain.", "TCP-001 stands twice"),
    ("TCP-002\tOUGHT\tx\tIt does.", "OUGHT is no level"),
    ("TCP-002\tMUST\tx", "needs 4 columns"),
    ("TCP-002\tMUST\t\tIt does.", "needs 4 columns, none of them empty"),
    ("TCP2\tMUST\tx\tIt does.", "TCP2 is no id"),
    ("TCP-002\tMUST\tx\tIt does", "ends with a full stop"),
])
def test_requirements_wants_a_well_formed_table(tree: Tree, row: str, complaint: str) -> None:
    tree.write("tests/requirements.tsv", f"{TABLE}{row}\n")
    lines = tree.complaints("requirements")
    assert len(lines) == 1
    assert lines[0].startswith("tests/requirements.tsv:4: ")
    assert complaint in lines[0]


def test_requirements_coverage_counts_the_rows_that_tests_name(tree: Tree) -> None:
    tree.write("tests/requirements.tsv", TABLE)
    tree.write("tests/a_test.cc", "// TRAP-01\n")
    tree.write("docs/a.md", "TCP-001 is documented, which is no test.\n")
    out = tree.lint("requirements", "--coverage").stdout
    assert "TCP-001\tMUST\tIt does." in out
    assert "TRAP-01\t" not in out
    assert out.splitlines()[-1].split() == ["all", "1", "2"]


def test_the_table_of_this_repository_is_whole() -> None:
    rows = (REPOSITORY / "tests/requirements.tsv").read_text().splitlines()[1:]
    ids = [row.split("\t")[0] for row in rows]
    assert len(ids) == len(set(ids)) == 672
    assert sum(name.startswith("TCP-") for name in ids) == 261
    assert sum(name.startswith("TRAP-") for name in ids) == 50


# --- the matrix of requirements -----------------------------------------------------------------------

DEVIATIONS = "id\tstatus\twhat\twhy\twhere\n"


def matrix(tree: Tree) -> str:
    """The page, written."""
    (tree.root / "docs").mkdir(exist_ok=True)
    (tree.root / "docs/rfc-matrix.md").touch()
    done = subprocess.run([sys.executable, "-B", REPOSITORY / "docs/reference/generate.py", "--root", tree.root,
                           "rfc-matrix.md"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "docs/rfc-matrix.md: written\n"), done.stderr
    return (tree.root / "docs/rfc-matrix.md").read_text()


def test_the_matrix_links_the_tests_that_name_a_row(tree: Tree) -> None:
    tree.write("tests/requirements.tsv", f"{TABLE}TCP-002\tMAY\tx\tIt may | not.\n")
    tree.write("docs/rfc-deviations.tsv", DEVIATIONS)
    tree.write("tests/a_test.cc", "// The file: TRAP-01.\n\n// It does.\n// TCP-001\nTEST_P(Subject,\n       Does) {\n"
               "  run();  // TCP-002\n}\n\nconst int kNumber = 1;  // TRAP-01\n")
    tree.write("tests/test_b.py", "# TCP-001\ndef test_b():\n    pass\n\n\ndef test_c():\n    pass\n")
    page = matrix(tree)
    assert ("| TCP-001 | It does. | MUST | [Subject.Does](../tests/a_test.cc), [test_b](../tests/test_b.py) |  |"
            in page.splitlines())
    assert r"| TCP-002 | It may \| not. | MAY | [Subject.Does](../tests/a_test.cc) |  |" in page.splitlines()
    assert "| TRAP-01 | It copes. | trap | [a_test.cc](../tests/a_test.cc) |  |" in page.splitlines()
    assert tree.complaints("rfc_matrix") == []


def test_the_matrix_tells_what_is_done_otherwise(tree: Tree) -> None:
    tree.write("tests/requirements.tsv", f"{TABLE}TCP-002\tMAY\tx\tIt may.\n")
    tree.write("docs/why.md", "# Why\n")
    tree.write("docs/rfc-deviations.tsv", f"{DEVIATIONS}TCP-001\tdecided\tIt does not.\tWe need not.\twhy.md\n"
               "TRAP-01\topen\tIt does not cope.\t-\t-\nTCP-002\tnote\tIt might.\t-\t-\n")
    tree.write("tests/a_test.cc", "// TCP-002\nTEST(A, B) {}\n")
    lines = matrix(tree).splitlines()
    assert "| TCP-001 | It does. | MUST | decided | It does not. We need not. See [why](why.md). |" in lines
    assert "| TRAP-01 | It copes. | trap | open | It does not cope. |" in lines
    assert "| TCP-002 | It may. | MAY | [A.B](../tests/a_test.cc) | It might. |" in lines
    assert "| [TCP](#tcp) | MUST | 1 | 0 | 1 | 0 |" in lines
    assert "| all | MAY | 1 | 1 | 0 | 0 |" in lines


def test_the_matrix_goes_stale_with_a_test(tree: Tree) -> None:
    tree.write("tests/requirements.tsv", "id\tlevel\tsource\tsentence\nUDP-001\tMUST\tx\tIt does.\n")
    tree.write("docs/rfc-deviations.tsv", DEVIATIONS)
    matrix(tree)
    tree.write("tests/a_test.cc", "// UDP-001\nTEST(A, B) {}\n")
    assert tree.complaints("rfc_matrix") == [
        "docs/rfc-matrix.md: is not what the tests and the tables say: ./dev docs rfc-matrix.md writes it"]


def test_the_matrix_lets_go_of_what_is_open_no_more(tree: Tree) -> None:
    tree.write("tests/requirements.tsv", TABLE)
    tree.write("docs/rfc-deviations.tsv", f"{DEVIATIONS}TCP-001\topen\tNot yet.\t-\t-\n")
    tree.write("tests/a_test.cc", "// TCP-001, TRAP-01\nTEST(A, B) {}\n")
    matrix(tree)
    assert tree.complaints("rfc_matrix") == [
        "docs/rfc-deviations.tsv: TCP-001 is open no more, a test names it: take its line away"]


@pytest.mark.parametrize(("line", "complaint"), [
    ("", "tests/requirements.tsv:2: TCP-001 (MUST) has neither a test that names it nor a line"),
    ("TCP-001\tnote\tSo.\t-\t-\n", "tests/requirements.tsv:2: TCP-001 (MUST) has neither a test that names it"),
    ("TCP-001\tdecided\tSo.\t-\n", "docs/rfc-deviations.tsv:2: needs 5 columns"),
    ("TCP-001\tdecided\tSo.\t\t-\n", "docs/rfc-deviations.tsv:2: needs 5 columns, none of them empty"),
    ("TCP-001\tmaybe\tSo.\t-\t-\n", "docs/rfc-deviations.tsv:2: maybe is no status"),
    ("TCP-001\topen\tSo.\t-\t-\nTCP-009\topen\tSo.\t-\t-\n", "docs/rfc-deviations.tsv:3: TCP-009 is no row"),
    ("TCP-001\topen\tSo.\t-\t-\n" * 2, "docs/rfc-deviations.tsv:3: TCP-001 stands twice"),
    ("TCP-001\topen\tSo.\t-\tnone.md\n", "docs/rfc-deviations.tsv:2: none.md is no page below docs/"),
])
def test_the_matrix_wants_every_obliging_row_of_tcp_held_or_explained(tree: Tree, line: str, complaint: str) -> None:
    tree.write("tests/requirements.tsv", "id\tlevel\tsource\tsentence\nTCP-001\tMUST\tx\tIt does.\n"
               "TCP-002\tMAY\tx\tIt may.\nUDP-001\tMUST\tx\tIt does.\n")
    tree.write("docs/rfc-deviations.tsv", DEVIATIONS + line)
    matrix(tree)
    assert any(complaint in said for said in tree.complaints("rfc_matrix"))
    assert not any("UDP-001" in said or "TCP-002" in said for said in tree.complaints("rfc_matrix"))


# --- what can be set and seen from outside ---------------------------------------------------------


@pytest.fixture
def options_tree(tree: Tree) -> Tree:
    for path in ("protocols/tcp/config.hh", "protocols/tcp/info.hh", "protocols/tcp/cc/congestion_info.hh",
                 "protocols/stack/config.hh", "protocols/iface/config.hh", "control/config.cc",
                 "control/config_tcp.cc", "control/convert_tcp.cc", "control/remote/tcp_options.cc",
                 "control/socket_service.cc", "protocols/stack/listing.hh",
                 "proto/smol/v1/tcp.proto", "clients/python/smolplane/tcp.py"):
        tree.write(path, (REPOSITORY / path).read_text())
    return tree


@pytest.mark.parametrize(("path", "struct", "name"), [
    ("protocols/tcp/config.hh", "SocketOptions", "SocketOptions.nonesuch"),
    ("protocols/tcp/config.hh", "Config", "Config.nonesuch"),
    ("protocols/stack/config.hh", "Limits", "Limits.nonesuch"),
    ("protocols/iface/config.hh", "PathMtuConfig", "PathMtuConfig.nonesuch"),
])
@pytest.mark.parametrize("field", ["bool nonesuch = true;", "Duration nonesuch{0};  ///< x",
                                   "std::uint32_t nonesuch = 1 << 16;"])
def test_options_wants_a_key_for_every_field(options_tree: Tree, path: str, struct: str, name: str,
                                             field: str) -> None:
    assert options_tree.complaints("options") == []
    text = (REPOSITORY / path).read_text()
    options_tree.write(path, text.replace(f"struct {struct} {{\n", f"struct {struct} {{\n  {field}\n"))
    complaints = options_tree.complaints("options")
    assert any(f"{name} has no key in the YAML file" in complaint for complaint in complaints)


@pytest.mark.parametrize(("path", "old", "new", "complaint"), [
    ("protocols/tcp/info.hh", "struct Info {\n", "struct Info {\n  bool nonesuch = false;\n",
     "Info.nonesuch is not told by control/convert_tcp.cc"),
    ("protocols/tcp/cc/congestion_info.hh", "struct CongestionInfo {\n",
     "struct CongestionInfo {\n  Duration nonesuch{0};  ///< x\n",
     "CongestionInfo.nonesuch is not told by control/convert_tcp.cc"),
    ("control/convert_tcp.cc", "  out.set_ecn(in.ecn);\n", "", "Info.ecn is not told"),
    ("protocols/stack/listing.hh", "struct SocketInfo {\n", "struct SocketInfo {\n  bool nonesuch = false;\n",
     "SocketInfo.nonesuch is not told by control/socket_service.cc"),
    ("control/socket_service.cc", "  to.set_dropped(from.dropped);\n", "", "SocketInfo.dropped is not told"),
    ("proto/smol/v1/tcp.proto", "optional bool cork = 13;", "reserved 13;",
     "SocketOptions.cork: TcpOptions of proto/smol/v1/tcp.proto has no cork"),
    ("clients/python/smolplane/tcp.py", "    cork: bool | None = None\n", "",
     "SocketOptions.cork: TcpOptions of clients/python/smolplane/tcp.py has no cork"),
    ("control/remote/tcp_options.cc", "out_.cork = ", "", "SocketOptions.cork is not taken over"),
    ("control/config_tcp.cc", "tcp.defaults.dscp", "tcp.defaults.hop_limit",
     "SocketOptions.dscp has no key in the YAML file"),
])
def test_options_wants_all_of_it_in_the_api(options_tree: Tree, path: str, old: str, new: str, complaint: str) -> None:
    text = (REPOSITORY / path).read_text()
    assert old in text
    options_tree.write(path, text.replace(old, new))
    assert any(complaint in said for said in options_tree.complaints("options"))


# --- the table of smoltcp's behaviours -------------------------------------------------------------


def test_smoltcp_wants_every_test_that_is_named(tree: Tree) -> None:
    head = "behaviour\ttests\tours\n"
    tree.write("tests/a_test.cc", "TEST(A, One) {}\nTEST_P(B,\n       Two) {}\n")
    tree.write("tests/smoltcp.tsv", f"{head}first\tA.One, B.Two\t-\n")
    assert tree.complaints("smoltcp") == []
    tree.write("tests/smoltcp.tsv", f"{head}first\tA.One, A.Two\t-\nfirst\tB.Two\t-\nthird\t\t-\n")
    assert tree.complaints("smoltcp") == [
        "tests/smoltcp.tsv:2: first: there is no test A.Two",
        "tests/smoltcp.tsv:3: first stands twice",
        "tests/smoltcp.tsv:4: needs 3 columns, none of them empty ('-')"]


def test_the_table_of_smoltcp_is_whole() -> None:
    rows = (REPOSITORY / "tests/smoltcp.tsv").read_text().splitlines()[1:]
    kinds = [row.partition(":")[0].split()[0] if ":" in row.split("\t")[0] else "" for row in rows]
    assert [kinds.count(kind) for kind in ("", "rule", "fix", "defect", "api")] == [190, 6, 41, 8, 28]


# --- shell ------------------------------------------------------------------------------------------


def test_shell_finds_scripts_by_their_first_line_and_by_suffix(tree: Tree) -> None:
    tree.write("script", "#!/usr/bin/env bash\ncd $1\n")
    tree.write("a.sh", "# shellcheck shell=sh\nrm $1\n")
    tree.write("python", "#!/usr/bin/python3\nx = $1\n")
    places = {line.split(":")[0] for line in tree.complaints("shell")}
    assert places == {"script", "a.sh"}


def test_shell_accepts_a_clean_script(tree: Tree) -> None:
    tree.write("script", "#!/usr/bin/env bash\ncd \"$1\" || exit\n")
    assert tree.complaints("shell") == []


# --- drops ------------------------------------------------------------------------------------------

DROP_ROW = 'SMOL_DROP(kTcpPaws, "tcp_paws", kTransport, "Old.")\n'


@pytest.fixture
def drops(tree: Tree) -> Tree:
    tree.write("protocols/base/drop.def", "// The reasons.\n" + DROP_ROW)
    tree.write("protocols/tcp/a.cc", "void f() { drop(Drop::kTcpPaws); }\n")
    return tree


@pytest.mark.parametrize(("path", "text"), [
    ("tests/protocols/tcp/a_test.cc", "EXPECT_EQ(reason(), Drop::kTcpPaws);\n"),
    ("tests/protocols/tcp/a_test.cc", "run(c, R\"(\n  drop tcp_paws\n)\");\n"),
    ("tests/interop/test_a.py", "assert drops[\"tcp_paws\"] == 1\n"),
])
def test_drops_accepts_a_reason_that_a_test_names(drops: Tree, path: str, text: str) -> None:
    drops.write(path, text)
    assert drops.complaints("drops") == []


@pytest.mark.parametrize(("path", "text"), [
    ("tests/protocols/tcp/a_test.cc", "// Drop::kTcpPaws, or tcp_paws\n"),
    ("tests/protocols/tcp/a_test.cc", "Drop::kTcpPawsToo, not_tcp_paws\n"),
    ("tests/protocols/base/drop_test.cc", "EXPECT_EQ(name(Drop::kTcpPaws), \"tcp_paws\");\n"),
    ("tests/sim/a.cc", "\"tcp_paws\"\n"),
    ("docs/a.md", "tcp_paws\n"),
])
def test_drops_wants_each_reason_held_by_a_test(drops: Tree, path: str, text: str) -> None:
    drops.write(path, text)
    assert drops.complaints("drops") == ["protocols/base/drop.def:2: tcp_paws is named by no test: "
                                         "add one that fails without it"]


@pytest.mark.parametrize("text", ["", "// Drop::kTcpPaws\n", "drop(Drop::kTcpPawsToo);\n", "\"tcp_paws\"\n"])
def test_drops_wants_each_reason_produced(drops: Tree, text: str) -> None:
    drops.write("tests/a_test.cc", "Drop::kTcpPaws\n")
    drops.write("protocols/tcp/a.cc", text)
    assert drops.complaints("drops") == ["protocols/base/drop.def:2: tcp_paws is produced nowhere: remove the row"]


def test_drops_wants_a_table(drops: Tree) -> None:
    drops.write("protocols/base/drop.def", "")
    assert len(drops.complaints("drops")) == 1


# --- sizes ------------------------------------------------------------------------------------------


def test_sizes_reports_and_fails_nothing(tree: Tree) -> None:
    tree.write("protocols/tcp/long.cc", "int long_one() {\n" + "  f();\n" * 70 + "}\n\nint short_one() {\n  f();\n}\n")
    tree.write("protocols/tcp/long.hh", "\n" * 301)
    done: subprocess.CompletedProcess[str] = tree.lint("sizes")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["protocols/tcp/long.cc:1: long_one has 72 lines (60)",
                                        "protocols/tcp/long.hh: 301 lines (headers: 300)"]
