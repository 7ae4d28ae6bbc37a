// What the account pages know without a page: devices, links, addresses in mails.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { sentWith } from "../../../web/account/link.js";
import { deviceName } from "../../../web/device.js";
import { initials } from "../../../web/initials.js";
import { linked } from "../../../web/outbox/links.js";

describe("deviceName", () => {
  for (const [agent, name] of [
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/156.0.0.0 Safari/537.36", "Chrome on Linux"],
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
    ["Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile", "Chrome on Android"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1 Version/18.0 Safari/605.1", "Safari on Mac"],
    ["", "Browser"],
  ]) {
    it(`is ${name}`, () => assert.equal(deviceName(agent), name));
  }
});

describe("sentWith", () => {
  it("finds what a browser was sent with", () => {
    assert.deepEqual(sentWith("#token=a-b_c.d"), { token: "a-b_c.d" });
    assert.deepEqual(sentWith("#problem=PROVIDER_REFUSED"), { problem: "PROVIDER_REFUSED" });
  });

  it("leaves the names of sections alone", () => {
    assert.deepEqual(["", "#", "#sessions", "#other=1", "#token="].map(sentWith), [null, null, null, null, null]);
  });
});

describe("initials", () => {
  it("are of the first and the last name, whatever the letters", () => {
    assert.deepEqual(["Ada King Lovelace", "bob", "🦊 fox", ""].map(initials), ["AL", "B", "🦊F", ""]);
  });
});

describe("linked", () => {
  it("finds addresses between words, without what ends a sentence", () => {
    const text = "Open http://127.0.0.1:8080/account/verify#token=a.b-c, or (https://example.com/).\nBye";
    const parts = linked(text);
    assert.equal(parts.map((part) => part.text).join(""), text);
    const hrefs = parts.filter((part) => part.href).map((part) => part.href);
    assert.deepEqual(hrefs, ["http://127.0.0.1:8080/account/verify#token=a.b-c", "https://example.com/"]);
  });

  it("takes nothing for an address that is none", () => {
    assert.deepEqual(linked("javascript:alert(1) ftp://x"), [{ text: "javascript:alert(1) ftp://x" }]);
    assert.deepEqual(linked(""), []);
  });
});
