// What the page of status looks like and does in a browser: the browser is told to take these two texts and nothing else.

export const style = `
:root{color-scheme:light dark;--ground:#f4f6f8;--card:#fff;--ink:#15191e;--soft:#5a6470;--line:#dfe4ea;--track:#e8ecf1;
--good:#14743f;--good-bg:#e2f4e9;--wait:#8a5a00;--wait-bg:#fdf1d6;--bad:#b3261e;--bad-bg:#fde7e5;--idle:#5a6470;--idle-bg:#eceff3;--bar:#3b6fd4}
@media(prefers-color-scheme:dark){:root{--ground:#0e1116;--card:#171c23;--ink:#e8ecf1;--soft:#98a3b0;--line:#28303a;--track:#28303a;
--good:#5fd38d;--good-bg:#12301f;--wait:#f0bb57;--wait-bg:#372a0d;--bad:#ff8f86;--bad-bg:#40191a;--idle:#98a3b0;--idle-bg:#232a33;--bar:#6e9bf0}}
*{box-sizing:border-box;margin:0}
body{background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
body>*{max-width:1200px;margin:0 auto;padding:0 24px}
.top{display:flex;align-items:baseline;gap:4px 14px;flex-wrap:wrap;padding-top:22px;color:var(--soft);font-size:13px}
.top b{color:var(--ink);font-size:15px;letter-spacing:.01em}
#live{margin-left:auto;display:inline-flex;align-items:center;gap:7px}
#live::before{content:"";width:8px;height:8px;border-radius:50%;background:var(--idle)}
#live.on::before{background:var(--good);box-shadow:0 0 0 3px var(--good-bg)}
#live.off{color:var(--bad)}#live.off::before{background:var(--bad)}
.away main{opacity:.5}
h1{font-size:clamp(24px,4vw,34px);line-height:1.2;letter-spacing:-.02em;font-weight:650;margin:26px 0 4px;text-wrap:balance}
h1.good{color:var(--good)}h1.wait{color:var(--wait)}h1.bad{color:var(--bad)}
.about{color:var(--soft)}
h2{font-size:13px;font-weight:600;color:var(--soft);margin:32px 0 10px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));gap:14px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;display:flex;flex-direction:column;gap:12px}
.card.bad{border-color:var(--bad)}
.card header{display:flex;gap:12px;justify-content:space-between;align-items:flex-start}
h3,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
h3{font-size:15px;font-weight:650}
code{font-size:12.5px;color:var(--soft)}
.pill{flex:none;border-radius:99px;padding:2px 10px;font-size:12.5px;font-weight:600;white-space:nowrap}
.pill.good{color:var(--good);background:var(--good-bg)}.pill.wait{color:var(--wait);background:var(--wait-bg)}
.pill.bad{color:var(--bad);background:var(--bad-bg)}.pill.idle{color:var(--idle);background:var(--idle-bg)}
.reason{border-radius:6px;padding:8px 10px;font-size:13.5px}
.reason.wait{background:var(--wait-bg);color:var(--wait)}.reason.bad{background:var(--bad-bg);color:var(--bad)}
.reason.good,.reason.idle{background:var(--idle-bg);color:var(--ink)}
.space{font-size:13px;color:var(--soft)}.space span{float:right}
.space svg{display:block;width:100%;height:8px;border-radius:4px;background:var(--track);margin-bottom:6px}
.space rect{fill:var(--bar)}.space .full{fill:var(--bad)}
dl{display:grid;grid-template-columns:repeat(3,1fr);gap:12px 10px;border-top:1px solid var(--line);padding-top:12px;margin-top:auto}
dl.wide{grid-template-columns:repeat(auto-fit,minmax(100px,1fr));border:0;padding:0}.card+ol{margin-top:14px}
dt{font-size:12px;color:var(--soft)}dd{font-size:15px;font-weight:550}
.span{grid-column:1/-1;font-size:12px;color:var(--soft);font-weight:400}
ol{list-style:none;padding:0;background:var(--card);border:1px solid var(--line);border-radius:10px}
li{display:grid;grid-template-columns:7.5em minmax(0,1fr) minmax(0,1.4fr);gap:2px 16px;padding:10px 18px;font-size:14px}
li+li{border-top:1px solid var(--line)}
li time{color:var(--soft)}li code{color:var(--ink);font-size:13px}
li b{font-weight:600}b.good{color:var(--good)}b.wait{color:var(--wait)}b.bad{color:var(--bad)}li i{font-style:normal;color:var(--soft)}
.none{color:var(--soft)}
footer{color:var(--soft);font-size:13px;padding-top:30px!important;padding-bottom:34px!important;display:flex;flex-wrap:wrap;gap:4px 18px}
a{color:inherit;text-underline-offset:3px}a:focus-visible{outline:2px solid var(--bar);outline-offset:3px;border-radius:3px}
@media(max-width:560px){body>*{padding:0 16px}.top{padding-top:16px}.card{padding:14px}h1{margin-top:20px}
li{grid-template-columns:1fr auto;padding:10px 14px}li code{grid-row:1;grid-column:1}li time{grid-row:1;grid-column:2}li p{grid-column:1/-1}}
`;

export const script = `
const main=document.querySelector("main"),live=document.getElementById("live");let source,again;
const say=(state,text)=>{live.className=state;live.textContent=text;document.body.className=state==="off"?"away":""};
const now=()=>new Date().toLocaleTimeString();let seen=now();
function connect(){clearTimeout(again);source=new EventSource("events");
source.onmessage=({data})=>{main.innerHTML=JSON.parse(data);seen=now();document.title=main.firstElementChild.dataset.title;say("on","live")};
source.onerror=()=>{say("off","not connected, as of "+seen);if(source.readyState===2)again=setTimeout(connect,10000)}}
document.addEventListener("visibilitychange",()=>{clearTimeout(again);source?.close();if(!document.hidden)connect()});
if(!document.hidden)connect();
`;

/** SHA-256 of the two in base64 (CSP level 3); a test holds them against the texts. */
export const styleHash = "1KkYbs/zrnRsDEXGb4Ms/CQ4x010UEq3Zi56k/nV1uE=";
export const scriptHash = "+dRrDj/J6JNySFUmBuWOcX8vjTTB4OcWkQUThTpUC7s=";
