/**
 * The style sheet and the script of the status page, both inline, and the content security policy by which
 * a browser runs these two and loads nothing else.
 */
import { createHash } from "node:crypto";
import { span } from "./status_text.ts";

/** Colours, of which every pair has a contrast of 4.5 or more, and fonts. */
export const BASE_STYLE = `
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--text:#161b22;--muted:#535d6b;--line:#dce1e8;
--accent:#0b57d0;--ok:#0f6127;--ok-bg:#e3f4e8;--bad:#a10c26;--bad-bg:#fdebed;--warn:#734a00;
--warn-bg:#fff2d6;--idle:#4b5563;--idle-bg:#edf0f4;--fill:#0b57d022}
@media(prefers-color-scheme:dark){:root{--bg:#0e1217;--card:#161b22;--text:#e7ebf0;--muted:#a3aebb;
--line:#2b333e;--accent:#8ab4ff;--ok:#7fe0a0;--ok-bg:#11301d;--bad:#ff9ea9;--bad-bg:#3b161b;
--warn:#f3c96d;--warn-bg:#35290d;--idle:#b6c0cc;--idle-bg:#252c36;--fill:#8ab4ff2e}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}
a{color:var(--accent)}
code{font:13px/1.4 ui-monospace,"Cascadia Mono",Menlo,Consolas,"Liberation Mono",monospace}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
`.trim();

export const STYLE = `
${BASE_STYLE}
.skip{position:absolute;left:-999px;top:8px;padding:8px 12px;background:var(--card)}
.skip:focus{left:8px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.wrap{max-width:1280px;margin:0 auto;padding:0 24px}
header{padding:24px 0 4px}
header .wrap,.bar{display:flex;flex-wrap:wrap;gap:6px 20px;align-items:baseline;
justify-content:space-between}
h1{margin:0;font-size:20px;line-height:1.3;letter-spacing:-.01em}
h2{margin:32px 0 10px;font-size:16px;line-height:1.3}
p{margin:0}
.muted{color:var(--muted)}
.small{font-size:13px}
.headline{margin:14px 0 18px;font-size:30px;font-weight:650;line-height:1.2;letter-spacing:-.02em}
.headline.bad{color:var(--bad)}.headline.warn{color:var(--warn)}.headline.ok{color:var(--ok)}
.notice{margin:12px 0 0;padding:10px 14px;border-radius:8px;border:1px solid currentColor}
.notice.ok{color:var(--ok);background:var(--ok-bg)}.notice.bad{color:var(--bad);background:var(--bad-bg)}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:0}
.tiles>div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
dt{font-size:13px;color:var(--muted)}
dd{margin:0}
.tiles dd.big{font-size:22px;font-weight:600;line-height:1.35;font-variant-numeric:tabular-nums}
.tiles dd.small{min-height:20px}
.tiles svg{width:100%;height:32px;margin-top:4px}
.panel{background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden}
table{width:100%;border-collapse:collapse}
th,td{padding:11px 14px;text-align:left;vertical-align:top;font-weight:400}
thead th{font-size:13px;color:var(--muted);font-weight:500;padding:9px 14px;
border-bottom:1px solid var(--line);white-space:nowrap}
tbody+tbody,.transfers tbody tr+tr{border-top:1px solid var(--line)}
.num{font-variant-numeric:tabular-nums;white-space:nowrap}
.name{font-weight:600;overflow-wrap:anywhere}
.url{font-weight:400;max-width:250px;overflow-wrap:anywhere}
.badge{display:inline-block;padding:1px 9px;border-radius:99px;font-size:13px;font-weight:550;
white-space:nowrap}
.badge.ok{color:var(--ok);background:var(--ok-bg)}.badge.bad{color:var(--bad);background:var(--bad-bg)}
.badge.warn{color:var(--warn);background:var(--warn-bg)}
.badge.idle{color:var(--idle);background:var(--idle-bg)}
td .badge+.small{margin-top:3px}
td svg{width:96px;height:22px;margin-top:2px}
svg{display:block;overflow:visible}
.line{fill:none;stroke:var(--accent);stroke-width:1.5;vector-effect:non-scaling-stroke;
stroke-linejoin:round}
.area{fill:var(--fill);stroke:none}
.actions form{display:flex;gap:6px}
button{font:inherit;font-size:13px;line-height:1.4;padding:5px 11px;border-radius:7px;cursor:pointer;
color:var(--accent);background:var(--card);border:1px solid var(--line);white-space:nowrap}
button:hover{border-color:var(--accent)}
.trouble td{padding-top:0;padding-bottom:14px}
details{border-radius:8px;padding:9px 14px;font-size:14px;background:var(--idle-bg)}
details.bad{background:var(--bad-bg)}
summary{cursor:pointer;overflow-wrap:anywhere}
.bad>summary{color:var(--bad)}
details.distance{padding:4px 0 0;font-weight:400;background:none}
details ul{margin:6px 0 4px;padding-left:20px}
.hint{border-radius:8px;padding:9px 14px;font-size:14px;background:var(--idle-bg)}
.hint.bad{background:var(--bad-bg)}.hint.warn{background:var(--warn-bg)}
.fault{border-radius:8px;padding:10px 14px;margin-bottom:10px;font-size:14px;
background:var(--bad-bg);border-left:4px solid var(--bad)}
.fault p+p{margin-top:3px}.reason{white-space:pre-line;overflow-wrap:anywhere}
#live section+.tiles{margin-top:22px}
.search{display:flex;gap:8px;align-items:center}
input{font:inherit;font-size:14px;padding:5px 10px;border-radius:7px;border:1px solid var(--muted);
background:var(--card);color:var(--text);max-width:220px}
.empty{padding:20px 16px;color:var(--muted)}
nav.pages{display:flex;gap:16px;margin-top:10px}
footer.wrap{padding-top:20px;padding-bottom:40px;color:var(--muted);font-size:13px}
.after{margin-top:10px}
.breakers div{white-space:nowrap}
@media(max-width:1023px){
.wrap{padding:0 16px}
.tiles{grid-template-columns:1fr 1fr}
.headline{font-size:25px}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,td,tbody th{display:block}
tbody{padding:14px 16px}
tbody tr:not(.trouble){display:grid;grid-template-columns:1fr 1fr;gap:12px 16px}
.transfers tbody tr+tr{border-top:0;padding-top:14px}
td,tbody th{padding:0}
tbody th,td.actions{grid-column:1/-1}
td[data-label]::before{content:attr(data-label);display:block;font-size:13px;color:var(--muted)}
.trouble td{padding:12px 0 0}
.url{max-width:none}
button{padding:9px 14px;font-size:14px}
td svg{width:100%}
}
@media(prefers-reduced-motion:no-preference){.skip{transition:none}}
@media(forced-colors:active){.badge,.notice,details{border:1px solid}}
`.trim();

/** Reloads the page's content and updates the countdowns. The page is complete without it. */
export const SCRIPT = `
(() => {
  "use strict";
  const PERIOD_MS = 5000;
  const main = () => document.getElementById("live");
  const said = document.getElementById("said");
  let skewMs = Number(main().dataset.now) - Date.now();
  const say = (text) => { if (said.textContent !== text) said.textContent = text; };
  ${span}
  const tick = () => {
    for (const each of document.querySelectorAll("[data-until]")) {
      const left = Math.round((Number(each.dataset.until) - Date.now() - skewMs) / 1000);
      each.textContent = left > 0 ? "expires in " + span(left) : "expired";
    }
  };
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const url = new URL(location.href);
      for (const name of ["did", "server", "outcome", "took", "seal"]) url.searchParams.delete(name);
      const answer = await fetch(url, { cache: "no-store", headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error("status " + answer.status);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const live = next.getElementById("live");
      const focused = document.activeElement?.id;
      for (const each of main().querySelectorAll("details[id]")) {
        const other = live.querySelector("#" + CSS.escape(each.id));
        if (other !== null) other.open = each.open;
      }
      skewMs = Number(live.dataset.now) - Date.now();
      main().replaceWith(document.adoptNode(live));
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      document.title = next.title;
      say(next.getElementById("said").textContent);
    } catch (error) {
      say("The gateway does not answer; the page shows older data (" + error.message + ")");
    }
  };
  const again = async () => {
    await refresh();
    setTimeout(again, PERIOD_MS);
  };
  setInterval(tick, 1000);
  if (main().dataset.refresh === "on") setTimeout(again, PERIOD_MS);
})();
`.trim();

/** What admits one inline style sheet or script in a content security policy. */
export const hashOf = (text: string): string =>
  `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The headers of the page. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    `script-src ${hashOf(SCRIPT)}`,
    "connect-src 'self'",
    "img-src data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Not no-referrer, with which browsers send the page's own forms with `Origin: null`.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};
