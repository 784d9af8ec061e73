"""`keepgate serve` as it is, with one more task in it that says every second how many tasks and objects there are.

python -m bench.soak.gateway CONFIGURATION REPORT
"""

import asyncio
import gc
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from keepgate import compose
from keepgate.compose import serve
from keepgate.config import Settings

real = serve._serve  # noqa: SLF001 - the one way in


async def report(file: Path) -> None:
    fresh, turn = file.with_suffix(".new"), 0
    while True:
        fresh.write_text(json.dumps({"tasks": len(asyncio.all_tasks()), "objects": len(gc.get_objects())}))
        fresh.replace(file)
        if turn % 60 == 30:  # what there is most of: where to look when it grows
            gc.collect()
            kinds = Counter(type(found).__name__ for found in gc.get_objects())
            print("objects:", kinds.most_common(25), file=sys.stderr, flush=True)
        turn += 1
        await asyncio.sleep(1)


async def watched(settings: Settings, ready: Callable[[str], None]) -> None:
    task = asyncio.create_task(report(Path(sys.argv[2])))
    try:
        await real(settings, ready)
    finally:
        task.cancel()


if __name__ == "__main__":
    serve._serve = watched  # noqa: SLF001
    compose.run_serve(
        compose.load_settings(Path(sys.argv[1])), lambda url: print(f"ready: {url}/mcp", flush=True)
    )
