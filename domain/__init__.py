"""Facts and arithmetic: components, workloads, closing snapshots, trends, money, routes, weeks. No I/O.

Importing it makes the pinned `tzdata` package the only source of time zones in this process: Python would prefer the zone files of the
system, which are often years older, and a report would then be due at another hour on each machine.
"""

import zoneinfo

zoneinfo.reset_tzpath(())
zoneinfo.ZoneInfo.clear_cache()
