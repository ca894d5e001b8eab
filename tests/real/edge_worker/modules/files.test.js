import { deepStrictEqual as same } from "node:assert";
import { Files, filesOf } from "./files.js";

const digestOf = (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));

export const every_file_of_the_table_is_known_with_its_bytes_and_no_others = {
  async test(_, env) {
    const files = new Files(env.TABLE);
    for (const [path, text] of env.LISTED) {
      same([path, files.hold([path], await digestOf(text))], [path, true]);
      same([path, files.hold([path], await digestOf(`${text}!`))], [path, false]);
      same([path, files.hold([`${path}x`], await digestOf(text))], [path, false]);
    }
  },
};

export const nothing_is_known_of_an_empty_table = {
  async test() {
    same(new Files("").hold(["index.html"], await digestOf("")), false);
  },
};

export const a_url_may_stand_for_the_file_of_its_name_with_html_or_of_its_folder = {
  test() {
    const config = { redirects: [] };
    same(filesOf("/", config), ["index.html", ".html"]);
    same(filesOf("/blog/", config), ["blog/index.html", "blog.html"]);
    same(filesOf("/about", config), ["about", "about.html", "about/index.html"]);
    same(filesOf("/caf%C3%A9", config)[1], "café.html");
    same(filesOf("/%FF", config), []);
  },
};

export const a_rule_that_answers_200_adds_its_file_and_a_redirect_does_not = {
  test() {
    const rule = { source: "/app/*", target: "/about.html", status: 200 };
    same(filesOf("/app/x", { redirects: [rule] }).includes("about.html"), true);
    same(filesOf("/app/x", { redirects: [{ ...rule, status: 301 }] }).includes("about.html"), false);
  },
};
