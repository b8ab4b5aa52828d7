"""The proto lint fails when a rule of form is broken, and when a client would be."""

from __future__ import annotations

import pytest
from conftest import Tree

GOOD = """syntax = "proto3";
package smol.v1;
// Boxes.
service BoxService {
  // One of them.
  rpc GetBox(GetBoxRequest) returns (GetBoxResponse);
  // All of them.
  rpc WatchBoxes(BoxServiceWatchBoxesRequest) returns (stream BoxServiceWatchBoxesResponse);
}
// What of it can be seen.
enum BoxState {
  BOX_STATE_UNSPECIFIED = 0;
  BOX_STATE_OPEN = 1;
}
// A box.
message Box {
  uint32 side_length = 1;
  BoxState state = 2;
  oneof lid {
    string hinge = 3;
    bytes seal = 4;
  }
  optional uint32 weight = 5;
}
message GetBoxRequest {}
message GetBoxResponse { Box box = 1; }
message BoxServiceWatchBoxesRequest {}
message BoxServiceWatchBoxesResponse { repeated Box boxes = 1; }
"""


@pytest.fixture
def api(tree: Tree) -> Tree:
    tree.write("proto/smol/v1/box.proto", GOOD)
    assert tree.lint("proto_lint", "--accept").returncode == 0
    assert tree.complaints("proto_lint") == []
    return tree


def complaint_about(api: Tree, old: str, new: str) -> list[str]:
    assert GOOD.count(old) >= 1
    api.write("proto/smol/v1/box.proto", GOOD.replace(old, new))
    return api.complaints("proto_lint")


# (sentence, what was written, what is written instead, what the lint must say)
FORM = [
    ("another package", "package smol.v1;", "package smol.v2;", "is of package smol.v2: its folder says smol.v1"),
    ("a service's name", "BoxService {", "Boxes {", "box.proto:4: service Boxes: its name must end with Service"),
    ("a request's name", "GetBoxRequest", "BoxQuery", "its request is BoxQuery; call it GetBoxRequest or"),
    ("a response's name", "BoxServiceWatchBoxesResponse", "BoxUpdate", "its response is BoxUpdate; call it "),
    ("a request of two methods", "rpc WatchBoxes(BoxServiceWatchBoxesRequest)", "rpc WatchBoxes(GetBoxRequest)",
     "method BoxService.WatchBoxes: GetBoxRequest is BoxService.GetBox's already"),
    ("a zero value", "BOX_STATE_UNSPECIFIED", "BOX_STATE_NONE",
     "enum BoxState: its value 0 must be BOX_STATE_UNSPECIFIED"),
    ("a value's prefix", "BOX_STATE_OPEN", "OPEN", "box.proto:13: value OPEN of enum BoxState must begin with BOX_STATE_"),
    ("a field's name", "side_length", "sideLength", "box.proto:17: field Box.sideLength: a field's name is lower_snake"),
    ("a message's name", "message GetBoxRequest {}", "message GetBoxRequest {}\n// Odd.\nmessage odd_box {}",
     "message odd_box: a message's name is PascalCase"),
    ("a method's comment", "  // One of them.\n", "", "method BoxService.GetBox needs a comment"),
    ("a message's comment", "// A box.\n", "", "message Box needs a comment"),
    ("a service's comment", "// Boxes.\n", "", "service BoxService needs a comment"),
    ("no protobuf at all", "message Box {", "massage Box {", "protoc does not take it: "),
]


@pytest.mark.parametrize(("old", "new", "says"), [row[1:] for row in FORM], ids=[row[0] for row in FORM])
def test_a_rule_of_form_is_held(api: Tree, old: str, new: str, says: str) -> None:
    lines = complaint_about(api, old, new)
    assert any(says in line for line in lines), lines


BREAKS = [
    ("a field goes", "  uint32 side_length = 1;\n", "", "field 1 of message Box (uint32 side_length) is gone"),
    ("a field's number changes", "side_length = 1", "side_length = 9", "field 1 of message Box (uint32 side_length) is gone"),
    ("a field's type changes", "uint32 side_length", "uint64 side_length",
     "field 1 of message Box was 'uint32 side_length' and is 'uint64 side_length'"),
    ("a field's name changes", "side_length", "edge_length", "is 'uint32 edge_length'"),
    ("a field becomes many", "Box box = 1", "repeated Box box = 1", "is 'repeated .smol.v1.Box box'"),
    ("a field loses its presence", "optional uint32 weight", "uint32 weight", "is 'uint32 weight'"),
    ("a field leaves its oneof", "    string hinge = 3;\n    bytes seal = 4;\n  }", "    bytes seal = 4;\n  }\n  string hinge = 3;",
     "was 'lid: string hinge' and is 'string hinge'"),
    ("a value goes", "  BOX_STATE_OPEN = 1;\n", "", "value 1 of enum BoxState (named BOX_STATE_OPEN) is gone"),
    ("a value's name changes", "BOX_STATE_OPEN", "BOX_STATE_AJAR", "is 'named BOX_STATE_AJAR'"),
    ("a method goes", "  // One of them.\n  rpc GetBox(GetBoxRequest) returns (GetBoxResponse);\n", "",
     "method BoxService.GetBox (.smol.v1.GetBoxRequest -> .smol.v1.GetBoxResponse) is gone"),
    ("a method no longer streams", "(stream BoxServiceWatchBoxesResponse)", "(BoxServiceWatchBoxesResponse)",
     "clients know it as it was"),
    ("a message goes", "// A box.\nmessage Box {", "// A box.\nmessage Crate {", "message Box is gone"),
    ("a service goes", "service BoxService {", "service CrateService {", "service BoxService is gone"),
]


@pytest.mark.parametrize(("old", "new", "says"), [row[1:] for row in BREAKS], ids=[row[0] for row in BREAKS])
def test_a_break_is_found_until_it_is_accepted(api: Tree, old: str, new: str, says: str) -> None:
    if says == "message Box is gone":
        api.write("proto/smol/v1/box.proto", GOOD.replace("Box box", "Crate box").replace("Box boxes", "Crate boxes")
                  .replace(old, new))
        lines = api.complaints("proto_lint")
    else:
        lines = complaint_about(api, old, new)
    assert any(says in line for line in lines), lines
    assert api.lint("proto_lint", "--accept").returncode == 0
    assert not any(says in line for line in api.complaints("proto_lint"))


def test_what_was_added_must_be_recorded(api: Tree) -> None:
    assert complaint_about(api, "optional uint32 weight = 5;", "optional uint32 weight = 5;\n  bool heavy = 6;") == [
        "proto/smol.v1.binpb: lacks what was added: ./dev proto-accept writes it"]
    assert api.lint("proto_lint", "--accept").returncode == 0
    assert api.complaints("proto_lint") == []


def test_comments_break_nothing(api: Tree) -> None:
    assert complaint_about(api, "// A box.", "// A box with a lid.") == []


def test_a_record_there_must_be(api: Tree) -> None:
    (api.root / "proto/smol.v1.binpb").unlink()
    assert api.complaints("proto_lint") == ["proto/smol.v1.binpb: is missing: ./dev proto-accept writes it"]
