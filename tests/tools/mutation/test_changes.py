"""What mutmut prints is read, and what nobody explained is told."""

from __future__ import annotations

import pytest

from tools.mutation.changes import Change, change, explanations, outcome, told, unnoticed, verdicts

RESULTS = """    policies.dns.x__is_ours__mutmut_1: killed
    policies.dns.x__is_ours__mutmut_2: survived
    policies.dns.x__is_ours__mutmut_3: timeout
    tools.deploy.plan.xǁStepǁends__mutmut_4: no tests
    policies.values.x_at__mutmut_12: not checked
    policies.values.x_at__mutmut_13: check was interrupted by user
    policies.values.x_at__mutmut_14: segfault
    policies.values.x_at__mutmut_15: suspicious
"""
SHOWN = """# policies.dns.x__is_ours__mutmut_2: survived
--- policies/dns.py
+++ policies/dns.py
@@ -1,5 +1,5 @@
 def _is_ours(host):
-    return host.endswith(
-        "x"
-    )
+    return host.endswith(
+        None
+    )
"""
FOUND = Change("policies/dns.py", "_is_ours", 'return host.endswith( "x" )', "return host.endswith( None )")


def explained(path, *entries, reason="It is the same."):
    path.write_text(
        "".join(
            f"[[explained]]\nfile = '{one.file}'\nfunction = '{one.function}'\n"
            f"line = '{one.line}'\nbecomes = ['{one.becomes}']\nreason = '{reason}'\n"
            for one in entries
        )
    )
    return path


def test_only_a_failed_test_or_an_endless_run_counts_as_noticed():
    found = verdicts(RESULTS)
    assert len(found) == 8
    assert unnoticed(found) == [
        "policies.dns.x__is_ours__mutmut_2",
        "tools.deploy.plan.xǁStepǁends__mutmut_4",
        "policies.values.x_at__mutmut_12",
        "policies.values.x_at__mutmut_13",
        "policies.values.x_at__mutmut_14",
        "policies.values.x_at__mutmut_15",
    ]


def test_a_change_is_read_with_its_file_and_its_function():
    assert change("policies.dns.x__is_ours__mutmut_2", SHOWN) == FOUND
    method = change("tools.deploy.plan.xǁStepǁends__mutmut_4", "-    return True\n+    return False\n")
    assert method == Change("tools/deploy/plan.py", "Step.ends", "return True", "return False")


def test_a_minus_in_the_code_is_no_mark_of_the_difference():
    assert change("a.b.x_c__mutmut_1", "--- a/b.py\n+++ a/b.py\n-    -1\n+    +1\n") == Change(
        "a/b.py", "c", "-1", "+1"
    )


def test_what_is_no_name_of_a_change_is_refused():
    with pytest.raises(ValueError, match=r"'policies\.dns' is no name of a change"):
        change("policies.dns", SHOWN)


def test_what_nobody_explained_is_told_with_how_to_see_it():
    found = outcome({"policies.dns.x__is_ours__mutmut_2": "survived", "other": "killed"}, shown(), {})
    assert found.unexplained == [("policies.dns.x__is_ours__mutmut_2", FOUND)]
    said = told(found, whole=True)
    assert said.startswith("1 of 2 changes were noticed by a test; 0 others are explained, 1 are not.\npolicies/dns.py")
    assert "python -m mutmut show policies.dns.x__is_ours__mutmut_2" in said


def shown():
    return [("policies.dns.x__is_ours__mutmut_2", SHOWN)]


def test_an_explanation_counts_for_its_own_change_in_its_own_function_only(tmp_path):
    known = explanations(explained(tmp_path / "explained.toml", FOUND))
    assert known == {FOUND: "It is the same."}
    assert outcome({}, shown(), known).unexplained == []
    elsewhere = Change(FOUND.file, "_other", FOUND.line, FOUND.becomes)
    assert outcome({}, shown(), {elsewhere: "x"}).unexplained == [("policies.dns.x__is_ours__mutmut_2", FOUND)]


def test_an_explanation_of_what_is_noticed_is_stale_in_a_whole_run():
    found = outcome({"a": "killed"}, [], {FOUND: "x"})
    assert found.stale == [FOUND]
    assert "take it out" in told(found, whole=True)
    assert "take it out" not in told(found, whole=False)


def test_an_explanation_without_a_reason_or_given_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="without a reason"):
        explanations(explained(tmp_path / "explained.toml", FOUND, reason=" "))
    with pytest.raises(ValueError, match="explained twice"):
        explanations(explained(tmp_path / "explained.toml", FOUND, FOUND))
