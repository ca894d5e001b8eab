"""The status page in headless Chromium, on a phone and on a wide screen, light and dark, judged by axe-core.

With PEACEFULROBOT_PICTURES=docs/status-page the pictures of the documentation are made anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from coordinator.heartbeats import Heartbeats
from coordinator.server import serve
from coordinator.status_page.serving import Pages
from coordinator.watching.metrics import WatchMetrics
from tests.coordinator.delivering import free_port
from tests.coordinator.status_page.a_life import reader_of
from tests.real.installing import chromium, from_npm

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]
FORMS = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]
MOST_BYTES = 50_000
SCRIPT = r"""
const {chromium} = require(process.argv[2]);
const axe = require('fs').readFileSync(process.argv[3], 'utf-8');
const {url, browser, out, forms} = JSON.parse(process.argv[4]);
(async () => {
  const running = await chromium.launch({executablePath: browser});
  const found = [];
  for (const [width, scheme] of forms) {
    const context = await running.newContext(
      {viewport: {width, height: 844}, colorScheme: scheme, javaScriptEnabled: true});
    const page = await context.newPage();
    const asked = [], complaints = [];
    let bytes = 0;
    page.on('request', request => asked.push(request.url()));
    page.on('console', message => complaints.push(message.text()));
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('response', async answer => { if (answer.url() === url) bytes = (await answer.body()).length; });
    await page.goto(url, {waitUntil: 'load'});
    await page.screenshot({path: `${out}/${width}-${scheme}.png`, fullPage: true});
    await page.evaluate(axe);
    const judged = await page.evaluate(() => axe.run(document,
      {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}));
    found.push({width, scheme, asked, complaints, bytes,
      wide: await page.evaluate(() => document.documentElement.scrollWidth),
      background: await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
      passes: judged.passes.length,
      violations: judged.violations.map(one =>
        [one.id, one.nodes.map(node => node.html + ' ' + node.failureSummary)])});
    await context.close();
  }
  const context = await running.newContext({javaScriptEnabled: false, viewport: {width: 390, height: 844}});
  const page = await context.newPage();
  await page.goto(url);
  await page.click('details:not([open]) > summary');
  const without = {text: await page.locator('main').innerText(), open: await page.locator('details[open]').count()};
  await running.close();
  console.log(JSON.stringify({found, without}));
})().catch(error => { console.error(error); process.exit(1); });
"""


@asynccontextmanager
async def served(folder):
    """The page of a site that was watched for 90 days, as the coordinator serves it."""
    async with reader_of(folder, title="Example") as reader:
        stop, address = asyncio.Event(), f"127.0.0.1:{free_port()}"
        app = Pages(reader, WatchMetrics(), Heartbeats()).app()
        serving = asyncio.create_task(serve(app, address, stop))
        try:
            yield f"http://{address}/", await reader.view()
        finally:
            stop.set()
            await serving


async def test_the_page_is_whole_on_every_screen_and_axe_finds_nothing(tmp_path, record_property):
    browser = chromium()
    driver = from_npm("playwright-core", "1.65.1", "node_modules/playwright-core/index.js")
    axe = from_npm("axe-core", "4.14.1", "node_modules/axe-core/axe.min.js")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (tmp_path / "look.cjs").write_text(SCRIPT)
    async with served(tmp_path) as (url, view):
        order = json.dumps({"url": url, "browser": browser, "out": str(pictures), "forms": FORMS})
        done = await asyncio.to_thread(
            subprocess.run,
            [
                *("node", str(tmp_path / "look.cjs"), str(driver / "node_modules/playwright-core")),
                *(str(axe / "node_modules/axe-core/axe.min.js"), order),
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for one in said["found"]:
        assert one["violations"] == []
        assert one["passes"] > 10
        assert {asked for asked in one["asked"] if not asked.startswith("data:")} == {url}
        assert (one["complaints"], one["wide"]) == ([], one["width"])
        assert 0 < one["bytes"] < MOST_BYTES
    assert len({one["background"] for one in said["found"]}) == 2
    assert view.sentence in said["without"]["text"]
    assert said["without"]["open"] == 2
    record_property("table", f"status page: {said['found'][0]['bytes']:,} bytes, {len(FORMS)} forms without violation")
    _hand_over(pictures)


def _hand_over(pictures: Path) -> None:
    if named := os.environ.get("PEACEFULROBOT_PICTURES"):
        Path(named).mkdir(parents=True, exist_ok=True)
        for picture in pictures.iterdir():
            shutil.copy(picture, named)
