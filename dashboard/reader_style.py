"""How the reader looks, on screen and on paper."""

READER_CSS = """
<style>
.di .lane0 { --lane: light-dark(#6b1e2b, #e0848f); } .di .lane1 { --lane: light-dark(#33557a, #7ba3cf); }
.di .lane2 { --lane: light-dark(#7d6a22, #cdb75b); } .di .lane3 { --lane: light-dark(#3f6b45, #7fb487); }
.di .lane4 { --lane: light-dark(#5f4480, #ab8fd0); } .di .lane5 { --lane: light-dark(#5a5a5a, #aaaaaa); }
.di .ways { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .7rem 0 .5rem; }
.di .ways .off { color: var(--muted); }
.di .keys { color: var(--muted); font-size: .82rem; margin: 0 0 .8rem; }
.di .more { margin: .6rem 0; } .di .call > .sub { margin: .5rem 0 .1rem; }
.di kbd { font-family: inherit; font-size: .8rem; border: 1px solid var(--rule); border-radius: 3px; padding: 0 .3rem; background: none; color: inherit; }
.di .alert { border-left: 3px solid var(--oxblood); padding-left: .7rem; margin: .3rem 0; }
.di table.lanes { width: auto; font-size: .82rem; line-height: 1.25; }
.di .lanes th, .di .lanes td { text-align: center; padding: .12rem .1rem; min-width: 1.22rem; }
.di .lanes tbody th { text-align: left; border-left: 4px solid var(--lane); padding: .12rem .7rem .12rem .5rem; color: inherit; }
.di .lanes tbody th small { color: var(--muted); margin-left: .4rem; }
.di .lanes tbody td a { display: block; text-decoration: none; color: inherit; border-bottom: 2px solid var(--lane); }
.di .lanes td a:hover { background: var(--mark); }
.di .lanes small { font-size: .68rem; color: var(--muted); display: block; line-height: 1; min-height: .68rem; }
.di .lanes tbody th small { display: inline; font-size: .78rem; }
.di .lanes .now { background: var(--mark); }
.di .lanes td.n { padding-left: .6rem; font-variant-numeric: tabular-nums; }
.di .round > summary { cursor: pointer; font-weight: 600; font-size: 1.05rem; margin: 1.1rem 0 .25rem; }
.di .round > summary h3 { display: inline; font: inherit; margin: 0; }
.di .ev { display: grid; grid-template-columns: 4.6rem 9.5rem minmax(0, 1fr) auto; gap: .2rem 1rem; border-bottom: 1px solid var(--rule);
  border-left: 4px solid var(--lane); padding: .45rem .6rem .45rem .8rem; scroll-margin: 30vh 0; break-inside: avoid; }
.di .two { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .2rem 1.2rem; } .di .two .ev { display: block; }
.di .two .ev .id { float: right; margin-left: .5rem; } .di .two .text { font-size: .92rem; } .di .apart { font-weight: 400; font-size: .88rem; color: var(--oxblood); }
.di .ev.on { background: var(--mark); outline: 2px solid var(--oxblood); outline-offset: -1px; }
.di .ev .who { font-size: 1rem; } .di .ev .who small, .di .ev .id, .di .ev .note, .di .ev .tok { color: var(--muted); font-size: .82rem; }
.di .ev .who small { display: block; overflow-wrap: anywhere; }
.di .ev .say { min-width: 0; } .di .ev .note { display: block; } .di .ev .tok { text-align: right; white-space: nowrap; }
.di .ev .wrote { border-left: 2px solid var(--rule); padding-left: .6rem; margin-top: .3rem; }
.di .ev.on .note, .di .ev.on .id, .di .ev.on .tok, .di .ev.on small { color: inherit; }
.di .text { line-height: 1.5; }
.di .score { color: var(--muted); font-size: .85rem; margin: .35rem 0 0; }
.di .raw { background: light-dark(#f6f0e2, #1d1b17); border: 1px solid var(--rule); padding: .5rem .7rem; font-size: .86rem; margin: .2rem 0 .6rem;
  max-height: 32rem; overflow: auto; }
.di .call > summary, .di .more > summary { cursor: pointer; } .di .call { margin: .4rem 0; }
.di .facts { width: auto; } .di .facts th { padding-right: 1.2rem; white-space: nowrap; } .di .facts td { overflow-wrap: anywhere; }
.di .plus { color: light-dark(#2f5a36, #8fc497); } .di .minus { color: light-dark(#6b1e2b, #e58b96); text-decoration: line-through; }
.st-key-di_keys, .stElementContainer:has(> .stBidiComponent [data-di-keys]) { height: 0; }
@media (max-width: 640px) {
  .di .ev { grid-template-columns: minmax(0, 1fr) auto; padding-inline: .6rem .2rem; }
  .di .ev .id { order: 2; } .di .ev .say { order: 3; grid-column: 1 / -1; } .di .ev .tok { order: 4; grid-column: 1 / -1; }
  .di .keys { display: none; } .di .two { grid-template-columns: minmax(0, 1fr); }
}
@media (prefers-reduced-motion: reduce) {
  .stApp *, .stApp *::before, .stApp *::after { animation-duration: .01ms !important; transition-duration: .01ms !important; scroll-behavior: auto !important; }
}
@media print {
  :root, .stApp { color-scheme: light !important; background: #fff !important; }
  .stApp, .stApp .di, .stApp .di :is(p, h2, h3, li, td, th, b, div, span, summary, small) { color: #1c1b19 !important; }
  .stApp, .stApp *:has(.di, .stBidiComponent), .stMain, .stAppViewContainer { position: static !important; overflow: visible !important; height: auto !important;
    min-height: 0 !important; max-height: none !important; }
  header, .stAppHeader, .stToolbar, .stSidebar, .di .ways, .di .keys, .stElementContainer:not(:has(.di, .stBidiComponent)), .stLayoutWrapper:not(:has(.di, .stBidiComponent)) { display: none !important; }
  .stMainBlockContainer { padding: 0 !important; max-width: none !important; }
  .di a { text-decoration: none; } .di .scroll, .di .raw { overflow: visible; max-height: none; }
  .di details.round > summary { list-style: none; }
  .di details.round::details-content { content-visibility: visible; block-size: auto; }
  .di .ev.on { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
</style>
"""
