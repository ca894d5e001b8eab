import { deepStrictEqual as same } from "node:assert";
import { decodedPath, encodedPath, redirectTarget, releaseHeaders } from "./release.js";

const CONFIG = {
  floor: [["X-Frame-Options", "DENY"]],
  headers: [
    { pattern: "/*", headers: [["X-All", "1"]] },
    { pattern: "/blog/*", headers: [["x-frame-options", "SAMEORIGIN"]] },
    { pattern: "/one", headers: [["X-All", "2"]] },
  ],
};

export const the_last_rule_that_fits_wins_over_the_floor = {
  test() {
    same(Object.fromEntries(releaseHeaders("/", CONFIG)), { "x-frame-options": "DENY", "x-all": "1" });
    same(Object.fromEntries(releaseHeaders("/blog/a", CONFIG)), { "x-frame-options": "SAMEORIGIN", "x-all": "1" });
    same(releaseHeaders("/one", CONFIG).get("x-all"), "2");
    same(releaseHeaders("/blo%67/a", CONFIG).get("x-frame-options"), "SAMEORIGIN");
  },
};

export const a_path_that_is_no_text_gets_the_floor = {
  test() {
    same([decodedPath("/%FF"), Object.fromEntries(releaseHeaders("/%FF", CONFIG))], [null, { "x-frame-options": "DENY" }]);
  },
};

export const redirects_fit_exactly_or_with_what_follows_the_star = {
  test() {
    const exact = { source: "/a", target: "/b", status: 301 };
    const star = { source: "/old/*", target: "https://there.example/:splat", status: 302 };
    same(["/a", "/a/", "/ab"].map((path) => redirectTarget(exact, path)), ["/b", null, null]);
    same(["/old/x/y", "/old/", "/old"].map((path) => redirectTarget(star, path)), [
      "https://there.example/x/y",
      "https://there.example/",
      null,
    ]);
  },
};

export const what_follows_the_star_is_encoded_and_stays_what_it_is = {
  test() {
    const rule = { source: "/*", target: "/x/:splat", status: 301 };
    same(redirectTarget(rule, "/a b/$&é"), "/x/a%20b/$&%C3%A9");
    same(redirectTarget(rule, "//evil.example"), "/x/evil.example");
    same(encodedPath("/a;b=c,d+e:f@g&h$i j"), "/a;b=c,d+e:f@g&h$i%20j");
  },
};
