/// How the page looks, by day and by night, on a phone and on a wide screen. `contentSecurityPolicy` has its hash.
let pageStyle: HTML.Markup = """
    :root{color-scheme:light dark;--back:#fff;--text:#1c2127;--soft:#56616d;--rule:#dde2e7;--accent:#0b57a4;--wide:#5f90c6;\
    --area:#f3f5f7;--bad:#a3260f}
    @media(prefers-color-scheme:dark){:root{--back:#14171a;--text:#e7eaed;--soft:#a3adb7;--rule:#2e353c;--accent:#7db7f7;\
    --wide:#44719f;--area:#1e2328;--bad:#ff9c87}}
    *{box-sizing:border-box}
    body{margin:0 auto;padding:0 1rem 2rem;max-width:68rem;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif;\
    overflow-wrap:anywhere}
    header{display:flex;flex-wrap:wrap;gap:0 1rem;padding:1rem 0;color:var(--soft);border-bottom:1px solid var(--rule)}
    header p{margin:0;max-width:none}header b{color:var(--text)}header p:first-child{margin-right:auto}
    #lost{flex-basis:100%}#lost:not(:empty){margin-top:.5rem;padding:.5rem .75rem;border-left:4px solid var(--bad);color:var(--bad)}
    h1{margin:.25rem 0 1rem;font-size:1.75rem;line-height:1.25;font-weight:600;text-wrap:balance}
    h2{margin:2.5rem 0 .5rem;font-size:1.25rem}h3{margin:1.25rem 0 0;font-size:1rem}
    p{margin:.5rem 0;max-width:44rem}ul{margin:.5rem 0;padding-left:1.1rem;max-width:44rem}li{margin:.25rem 0}
    .state{margin:1.5rem 0 0}.ok::before{content:"● ";color:var(--accent)}.bad{color:var(--bad)}.bad::before{content:"▲ "}
    .note,caption,small,dt,footer{color:var(--soft);font-size:.875rem}small{font-weight:400}
    dl{margin:.5rem 0}dl div{display:flex;flex-wrap:wrap;gap:0 .75rem;padding:.25rem 0}dt{flex:0 0 14rem}dd{margin:0}
    .big{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem}.big div{display:block;padding:0}
    .big dd{font-size:1.375rem;line-height:1.3;white-space:nowrap;font-variant-numeric:tabular-nums}.big div:first-child dd{color:var(--accent);font-weight:600}
    .two{display:grid;gap:0 3rem}.two>*{min-width:0}
    .packages{display:grid;gap:0 2rem;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr))}.packages>*{min-width:0}
    figure{margin:1rem 0 .5rem;padding:10px 174px 26px 52px}
    figure>svg{display:block;width:100%;overflow:visible}.large>svg{height:220px}.medium>svg{height:150px}.small>svg{height:90px}
    svg svg{overflow:visible}text{font-size:12px;fill:var(--soft);font-variant-numeric:tabular-nums}
    .x text{text-anchor:middle}.y text{text-anchor:end}.at text{fill:var(--text)}line{stroke:var(--rule)}
    line.now{stroke:var(--accent)}text.now{fill:var(--accent)}
    path,use{fill:none;vector-effect:non-scaling-stroke}
    .a{fill:var(--area);stroke:var(--soft);stroke-dasharray:1 3}.w{stroke:var(--wide);stroke-width:5px;stroke-linejoin:round}\
    .s{stroke:var(--accent);stroke-width:2px}.t{stroke:var(--text);stroke-width:1.25px}.d{stroke:var(--soft);stroke-width:1.5px;stroke-dasharray:6 4}
    .key{display:none;padding:0;list-style:none;font-size:.875rem}.key svg{width:30px;height:8px;overflow:visible;vertical-align:middle}
    .wide{overflow-x:auto}table{border-collapse:collapse}#packages table,#zones table{width:100%}caption{text-align:left;padding:.25rem 0}
    th,td{padding:.3rem 1.25rem .3rem 0;text-align:left;vertical-align:top;border-top:1px solid var(--rule);overflow-wrap:normal}
    thead th{border:0;font-weight:400;font-size:.875rem;color:var(--soft);white-space:nowrap}tbody th{font-weight:500;white-space:nowrap}
    #hour,#planned,#packages,#zones,#requests{font-variant-numeric:tabular-nums}
    #hour :is(th+th,td),#planned :is(th+th,td),#packages :is(th+th,td):not(:last-child),#zones :is(th+th,td):not(:last-child),\
    #requests :is(th,td):last-child{text-align:right;white-space:nowrap}
    #zones tbody tr+tr th{padding-left:1rem;font-weight:400}
    td:last-child{padding-right:0}#overrides td:last-child{min-width:9rem}#packages td:last-child,#zones td:last-child{min-width:14rem}
    details{border-top:1px solid var(--rule);padding:.5rem 0}summary{cursor:pointer}summary:hover{color:var(--accent)}
    :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    code{font:.875rem ui-monospace,monospace}footer{margin-top:3rem;border-top:1px solid var(--rule)}
    @media(min-width:56rem){.two{grid-template-columns:1fr 1fr}}
    @media(max-width:40rem){h1{font-size:1.375rem}figure{padding:10px 4px 0 46px}figure>svg{margin-bottom:30px}.at,.o{display:none}\
    .key{display:flex;flex-wrap:wrap;gap:0 1rem;margin:0 0 0 -46px}dt{flex-basis:100%}.big div{flex:1 0 40%}}
    """

/// SHA-256 of `pageStyle` in base 64; `PageTests` computes it.
let pageStyleHash = "qKI0VxWiKmNUI0UoZLPDoqJmc0tcs+d/1PSmZZVA3+E="
