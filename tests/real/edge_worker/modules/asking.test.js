import { deepStrictEqual as same } from "node:assert";
import { originRequest, taggedBy } from "./asking.js";

const ORIGIN = { name: "one", host: "site.one.example" };

function passed(headers, target = "/") {
  const [, options] = originRequest({ method: "GET", headers: new Headers(headers), target }, ORIGIN);
  return Object.fromEntries(options.headers);
}

export const a_platform_sees_the_path_the_query_and_harmless_headers_only = {
  test() {
    const visit = {
      method: "HEAD",
      target: "/a%20b?c=d",
      headers: new Headers({ cookie: "secret", authorization: "secret", "x-forwarded-for": "192.0.2.1", accept: "text/html", referer: "x" }),
    };
    const [url, options] = originRequest(visit, ORIGIN);
    same([url, options.method, options.redirect], ["https://site.one.example/a%20b?c=d", "HEAD", "manual"]);
    same(Object.fromEntries(options.headers), { accept: "text/html", "accept-encoding": "identity" });
  },
};

export const only_the_compression_that_can_be_undone_is_asked_for = {
  test() {
    const cases = {
      "gzip, deflate, br": "gzip",
      "br;q=1.0, gzip;q=0.8": "gzip",
      br: "identity",
      "gzip;q=0": "identity",
      "gzip;q=0.000, br": "identity",
      "x-gzip": "identity",
      "": "identity",
    };
    const found = Object.keys(cases).map((text) => [text, passed({ "accept-encoding": text })["accept-encoding"]]);
    same(Object.fromEntries(found), cases);
  },
};

export const entity_tags_bear_their_platform_and_go_back_to_it_alone = {
  test() {
    same([taggedBy("one", '"a"'), taggedBy("one", 'W/"a"')], ['"one~a"', 'W/"one~a"']);
    same(passed({ "if-none-match": '"one~a", W/"one~b", "two~c", "d"' })["if-none-match"], '"a", W/"b"');
    same(passed({ "if-none-match": '"two~c"' })["if-none-match"], undefined);
    same(passed({ "if-none-match": "*" })["if-none-match"], undefined);
  },
};

export const a_date_is_no_condition_for_it_differs_between_platforms = {
  test() {
    same(passed({ "if-modified-since": "Mon, 30 Nov 2026 00:00:00 GMT" })["if-modified-since"], undefined);
  },
};

export const a_range_goes_along_unless_it_depends_on_another_platforms_file = {
  test() {
    const range = "bytes=0-9";
    same(passed({ range }).range, range);
    const own = passed({ range, "if-range": '"one~a"' });
    same([own.range, own["if-range"]], [range, '"a"']);
    for (const condition of ['"two~a"', "Mon, 30 Nov 2026 00:00:00 GMT"]) {
      same(passed({ range, "if-range": condition }).range, undefined);
    }
  },
};
