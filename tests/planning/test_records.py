from __future__ import annotations

from datetime import date

import pytest

from planning import assumptions, providers, records
from planning.mistakes import DataError
from tests.planning.conftest import SIX

HEAD = "provider,cause,date,start,minutes,minutes_most,share,kind,assumed,source,mark,read,note\n"
GOOD = "aws,aws,2025-10-20,06:48,172,872,0.22,soft,share,somewhere,S,2026-01-01,\n"


def written(tmp_path, *lines):
    path = tmp_path / "outages.csv"
    path.write_text(HEAD + "".join(lines), "utf-8")
    return path


def test_the_data_files_are_whole_and_fit_each_other():
    known = providers.load()
    rows = records.load(known=known)
    assert set(SIX) <= set(providers.platforms(known))
    assert len(rows) >= 15
    for row in rows:
        assert "https://" in row.source, row.date
        assert date(2021, 1, 1) < row.date < row.read
    for key in SIX:
        assert known[key].sla, key
    assert assumptions.values(assumptions.load()).beta == 0.05


def test_every_outage_of_the_facts_is_there():
    found = {(row.provider, str(row.date)): row for row in records.load()}
    minutes = {
        ("cloudflare", "2025-11-18"): (190, 346),
        ("cloudflare", "2025-12-05"): (25, 25),
        ("cloudflare", "2022-06-21"): (101, 101),
        ("workers-kv", "2025-06-12"): (148, 148),
        ("azure", "2025-10-29"): (169, 504),
        ("netlify", "2022-03-09"): (120, 156),
        ("gitlab", "2023-01-31"): (40, 40),
        ("aws", "2026-02-10"): (60, 134),
    }
    assert {key: (found[key].minutes, found[key].minutes_most) for key in minutes} == minutes
    assert found["cloudflare", "2025-12-05"].share == 0.28
    assert found["vercel", "2025-10-20"].cause == "aws"
    assert found["vercel", "2025-10-20"].share == 0.22
    assert not found["vercel", "2024-08-07"].seen
    assert not found["cloudflare", "2026-02-20"].seen


def test_what_is_only_second_hand_says_so():
    marks = {(row.provider, str(row.date)): row.mark for row in records.load()}
    for key in (
        ("cloudflare", "2025-11-18"),
        ("cloudflare", "2025-12-05"),
        ("aws", "2026-02-10"),
        ("gcp", "2025-06-12"),
    ):
        assert marks[key] == "S"
    known = providers.load()
    assert {known[key].sla_mark for key in ("vercel", "netlify", "azure")} == {"M"}


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path):
    path = written(
        tmp_path,
        GOOD,
        GOOD,
        "nobody,aws,2025-10-21,,1,2,0.5,soft,,x,V,2026-01-01,\n",
        "gcp,gcp,2025-10-21,,5,2,1.5,odd,share;colour,,X,2025-01-01,\n",
        "azure,azure,2025-10-22,,5,2,1,soft,,x,V,2025-10-01,\n",
        "azure,azure,2025-10-23\n",
    )
    with pytest.raises(DataError) as caught:
        records.load(path, known=("aws", "gcp", "azure"))
    text = str(caught.value)
    assert "line 3: the outage of aws on 2025-10-20 stands in line 2 already" in text
    assert "line 4: there is no provider nobody" in text
    for field in ("share", "kind", "assumed", "source", "mark"):
        assert f"line 5: {field}: " in text
    assert "line 6: was read on 2025-10-01, before it happened on 2025-10-22" in text
    assert "line 7: share: Field required" in text
    lines = [int(line.split("line ")[1].split(":")[0]) for line in text.splitlines()[1:]]
    assert lines == sorted(lines)
    assert text.startswith(f"{len(lines)} mistakes in {path}")


def test_a_row_with_a_comma_too_many_is_refused(tmp_path):
    with pytest.raises(DataError, match="line 2: more"):
        records.load(written(tmp_path, GOOD.replace("\n", ",surplus\n")))


def test_half_known_minutes_are_refused(tmp_path):
    with pytest.raises(DataError, match="line 2: only one of minutes and minutes_most"):
        records.load(written(tmp_path, GOOD.replace("172,872", "172,")))


def test_mistakes_in_providers_are_told_at_once(tmp_path):
    path = tmp_path / "providers.toml"
    path.write_text(
        '[a]\nname = "A"\nrole = "platform"\nsla = 0.9\n'
        '[b]\nname = "B"\nrole = "planet"\n'
        '[c]\nname = "C"\nrole = "platform"\n'
        '[[c.stands_on]]\non = "moon"\nextent = "wholly"\nsource = "x"\nmark = "V"\n'
    )
    with pytest.raises(DataError) as caught:
        providers.load(path)
    text = str(caught.value)
    assert "[a]: sla stands without sla_source and sla_mark" in text
    assert "[b]: role" in text
    assert "[c]: stands_on: there is no provider moon" in text


def test_mistakes_in_assumptions_are_told_at_once(tmp_path):
    text = assumptions.FILE.read_text("utf-8")
    wrong = text.replace("[beta]\nvalue = 0.05", "[beta]\nvalue = 0.5").replace("[perhaps]", "[maybe]")
    path = tmp_path / "assumptions.toml"
    path.write_text(wrong, "utf-8")
    with pytest.raises(DataError) as caught:
        assumptions.load(path)
    told = str(caught.value)
    assert "[beta]: value does not lie between low and high" in told
    assert "[perhaps]: is missing" in told
    assert "[maybe]: is nothing the model uses" in told
