"""The HTTP Observatory itself judges the headers that the stack sends, and our own scoring agrees with it."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.observatory import grade, score
from tests.real.installing import from_npm
from website import DEFAULT_FLOOR

NAME, VERSION = "@mdn/mdn-http-observatory", "1.4.8"
PACKAGE = f"node_modules/{NAME}"
#: The package asks live sites only; this gives its own tests and grader an answer that was got otherwise.
SCRIPT = """
import { AxiosHeaders } from "axios";
import fs from "node:fs";
import { ALL_TESTS } from "./PACKAGE/src/constants.js";
import { getGradeForScore, getScoreModifier } from "./PACKAGE/src/grader/grader.js";
import { MINIMUM_SCORE_FOR_EXTRA_CREDIT } from "./PACKAGE/src/grader/charts.js";
import { Requests } from "./PACKAGE/src/types.js";
import { Session } from "./PACKAGE/src/retriever/session.js";

const host = "www.example.org";
function graded(headers) {
  const response = () => ({
    headers: new AxiosHeaders({ "content-type": "text/html", ...headers }),
    request: { headers: new AxiosHeaders() },
    status: 200, statusText: "OK", verified: true, data: "", config: { headers: new AxiosHeaders() },
    httpEquiv: new Map(),
  });
  const asked = new Requests(host);
  asked.resources.path = "<!DOCTYPE html><title>a page</title>";
  for (const one of ["auto", "cors", "http", "https"]) asked.responses[one] = response();
  asked.responses.httpRedirects = [
    { url: new URL(`http://${host}/`), status: 301 }, { url: new URL(`https://${host}/`), status: 200 }];
  asked.responses.httpsRedirects = [{ url: new URL(`https://${host}/`), status: 200 }];
  asked.session = new Session(new URL(`https://${host}/`));
  let base = 100, all = 100;
  const found = {};
  for (const test of ALL_TESTS) {
    const result = test(asked);
    if (!result.result) continue;
    const points = getScoreModifier(result.result);
    found[result.constructor.name] = [result.result, points];
    all += points;
    if (points < 0) base += points;
  }
  const points = base >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? all : base;
  return { ...getGradeForScore(points), found };
}
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(graded)));
""".replace("PACKAGE", PACKAGE)

CASES = [
    dict(DEFAULT_FLOOR),
    {},
    {"Content-Security-Policy": "default-src 'self' 'unsafe-inline'"},
    {**DEFAULT_FLOOR, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
    {**DEFAULT_FLOOR, "Access-Control-Allow-Origin": "*"},
    {**DEFAULT_FLOOR, "Strict-Transport-Security": "max-age=3600"},
    {**DEFAULT_FLOOR, "Referrer-Policy": "unsafe-url"},
    {**DEFAULT_FLOOR, "Cross-Origin-Resource-Policy": "same-origin"},
    {**DEFAULT_FLOOR, "X-Content-Type-Options": "sniff"},
    {**DEFAULT_FLOOR, "Content-Security-Policy": "default-src 'self' 'unsafe-eval'; object-src 'none'"},
]


@pytest.fixture(scope="module")
def judged():
    if shutil.which("node") is None:
        pytest.skip("the HTTP Observatory cannot be run: node is not there")
    folder = from_npm(NAME, VERSION, f"{PACKAGE}/package.json")
    preloaded = folder / PACKAGE / "conf" / "hsts-preload.json"
    if not preloaded.exists():  # its install script would fetch the browsers' list; nothing here is on it
        preloaded.write_text("[]")
    script = folder / "grade.mjs"
    script.write_text(SCRIPT)
    done = subprocess.run(
        ["node", script.name], cwd=folder, input=json.dumps(CASES), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_the_floor_gets_an_a_plus_of_the_observatory(judged):
    assert judged[0]["grade"] == "A+", judged[0]
    assert judged[0]["score"] >= 100


@pytest.mark.parametrize("number", range(len(CASES)))
def test_our_scoring_is_the_observatory_s(judged, number):
    ours = score(CASES[number])
    assert ours == judged[number]["score"], judged[number]["found"]
    if ours >= 50:
        assert grade(ours) == judged[number]["grade"]
