"""What is dangerous in which language: the name of a call, what it does with which of its arguments.

A name with a point is matched whole (`subprocess.run`) or at its end (`.execute`: a method of anything).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from keepgate.scanner.source.code import Expr

SHELLS: Final = frozenset(
    "sh bash zsh dash cmd cmd.exe powershell powershell.exe pwsh /bin/sh /bin/bash /bin/zsh /usr/bin/bash".split()
)

_PYTHON: Final = {
    "command": "os.system os.popen subprocess.getoutput subprocess.getstatusoutput asyncio.create_subprocess_shell commands.getoutput popen2.popen2 pty.spawn .exec_command .getoutput pexpect.spawn pexpect.run",
    "exec": "subprocess.run subprocess.call subprocess.Popen subprocess.check_output subprocess.check_call asyncio.create_subprocess_exec os.execv os.execve os.execvp os.execl os.execlp os.spawnl os.spawnv os.spawnvp",
    "code": "eval exec builtins.eval builtins.exec code.interact .runcode",
    "template": "jinja2.Template .from_string mako.template.Template flask.render_template_string",
    "dynamic": "importlib.import_module __import__ runpy.run_path runpy.run_module imp.load_source importlib.util.spec_from_file_location",
    "path": "open io.open os.open os.remove os.unlink os.rmdir os.listdir os.scandir os.rename os.replace os.mkdir os.makedirs shutil.rmtree shutil.copy shutil.copyfile shutil.copy2 shutil.move aiofiles.open codecs.open .read_text .read_bytes .write_text .write_bytes .unlink .iterdir .rglob send_file flask.send_file fastapi.responses.FileResponse",
    "ssrf": "requests.get requests.post requests.put requests.delete requests.patch requests.head requests.request requests.options httpx.get httpx.post httpx.put httpx.delete httpx.patch httpx.head httpx.request httpx.stream urllib.request.urlopen urllib.request.Request urllib.request.urlretrieve urllib.urlopen aiohttp.request urllib3.request",
    "client": ".get .post .put .delete .patch .head .request .stream .ws_connect",
    "sql": ".execute .executemany .executescript .executesql .raw .fetch .fetchrow .fetchval .fetch_all .read_sql pandas.read_sql pandas.read_sql_query",
    "deserialise": "pickle.loads pickle.load cPickle.loads _pickle.loads dill.loads dill.load marshal.loads jsonpickle.decode yaml.load yaml.unsafe_load yaml.full_load yaml.load_all joblib.load cloudpickle.loads shelve.open torch.load",
}
_JAVASCRIPT: Final = {
    "command": "exec execSync execAsync execPromise execP child_process.exec child_process.execSync cp.exec cp.execSync shell.exec shelljs.exec execaCommand execaCommandSync execa.command childProcess.exec childProcess.execSync promisify(exec) asyncExec execPromisified",
    "exec": "spawn spawnSync execFile execFileSync child_process.spawn child_process.spawnSync child_process.execFile child_process.execFileSync cp.spawn cp.spawnSync cp.execFile cp.execFileSync execa execaSync fork childProcess.spawn Bun.spawn Bun.spawnSync Deno.Command Deno.run execFileAsync execFilePromise",
    "code": "eval Function vm.runInNewContext vm.runInThisContext vm.runInContext vm.Script runInNewContext runInThisContext vm.compileFunction",
    "dynamic": "require import",
    "path": "fs.readFile fs.readFileSync fs.writeFile fs.writeFileSync fs.unlink fs.unlinkSync fs.rm fs.rmSync fs.readdir fs.readdirSync fs.createReadStream fs.createWriteStream fs.appendFile fs.appendFileSync fs.open fs.openSync fs.rmdir fs.stat fs.copyFile fs.rename fs.mkdir fs.promises.readFile fs.promises.writeFile fs.promises.unlink fs.promises.rm fs.promises.readdir fsPromises.readFile fsPromises.writeFile fsp.readFile fsp.writeFile readFile readFileSync writeFile writeFileSync unlink unlinkSync createReadStream Deno.readTextFile Deno.readFile Deno.writeTextFile Bun.file .sendFile promises.readFile promises.writeFile appendFile readdir",
    "ssrf": "fetch axios axios.get axios.post axios.put axios.delete axios.request axios.head axios.patch got got.get got.post http.get https.get http.request https.request undici.request undici.fetch request needle superagent.get node-fetch nodeFetch request.get",
    "sql": ".query .execute .raw .exec .prepare .all .run .$queryRawUnsafe .$executeRawUnsafe .unsafe",
    "deserialise": "unserialize serialize.unserialize v8.deserialize nodeSerialize.unserialize funcster.deepDeserialize",
}
_GO: Final = {
    "exec": "exec.Command exec.CommandContext syscall.Exec os.StartProcess",
    "path": "os.Open os.ReadFile os.WriteFile os.Create os.Remove os.RemoveAll os.OpenFile os.ReadDir ioutil.ReadFile ioutil.WriteFile ioutil.ReadDir os.Mkdir os.Rename http.ServeFile",
    "ssrf": "http.Get http.Post http.Head http.PostForm http.NewRequest http.NewRequestWithContext",
    "client": ".Get .Post .Head",
    "sql": ".Query .QueryRow .Exec .QueryContext .QueryRowContext .ExecContext .Raw .Prepare",
    "template": ".Parse",
    "dynamic": "plugin.Open",
    "deserialise": "gob.NewDecoder",
}
_RUST: Final = {
    "exec": "Command::new process::Command::new std::process::Command::new tokio::process::Command::new",
    "path": "fs::read_to_string fs::read fs::write fs::remove_file fs::remove_dir_all File::open File::create fs::File::open fs::read_dir std::fs::read_to_string std::fs::read std::fs::write std::fs::remove_file std::fs::File::open tokio::fs::read_to_string tokio::fs::read tokio::fs::write tokio::fs::File::open std::fs::remove_dir_all fs::copy fs::rename",
    "ssrf": "reqwest::get reqwest::blocking::get ureq::get ureq::post surf::get",
    "client": ".get .post .put",
    "sql": "sqlx::query sqlx::query_as diesel::sql_query sqlx::raw_sql .execute .query .query_row .prepare .execute_batch .batch_execute .simple_query .query_map",
    "deserialise": "bincode::deserialize serde_pickle::from_slice",
}
_JAVA: Final = {
    "command": ".exec",
    "exec": "ProcessBuilder new.ProcessBuilder",
    "code": ".eval Ognl.getValue .parseExpression GroovyShell.evaluate .evaluate",
    "path": "new.File new.FileInputStream new.FileOutputStream new.FileReader new.FileWriter new.RandomAccessFile Files.readString Files.readAllBytes Files.newInputStream Files.write Files.writeString Files.delete Files.lines Files.newBufferedReader Files.deleteIfExists Files.readAllLines Files.list",
    "ssrf": "new.URL .getForObject .getForEntity .postForObject HttpRequest.newBuilder Jsoup.connect URI.create .uri new.HttpGet",
    "sql": ".executeQuery .executeUpdate .execute .createQuery .createNativeQuery .queryForObject .queryForList .query .prepareStatement .update .addBatch",
    "deserialise": ".readObject new.ObjectInputStream new.XMLDecoder .fromXML",
    "dynamic": "Class.forName System.load System.loadLibrary",
}
_CSHARP: Final = {
    "exec": "Process.Start new.ProcessStartInfo System.Diagnostics.Process.Start",
    "code": "CSharpScript.EvaluateAsync CSharpScript.RunAsync .Eval",
    "path": "File.ReadAllText File.ReadAllTextAsync File.ReadAllBytes File.ReadAllBytesAsync File.ReadAllLines File.WriteAllText File.WriteAllTextAsync File.WriteAllBytes File.Delete File.Open File.OpenRead File.OpenWrite File.Copy File.Move File.AppendAllText Directory.GetFiles Directory.Delete new.FileStream new.StreamReader new.StreamWriter System.IO.File.ReadAllText System.IO.File.Delete",
    "ssrf": ".GetAsync .GetStringAsync .PostAsync .GetByteArrayAsync .DownloadString .DownloadData .GetStreamAsync WebRequest.Create .SendAsync new.HttpRequestMessage .GetFromJsonAsync",
    "sql": "new.SqlCommand new.SqliteCommand new.NpgsqlCommand new.MySqlCommand .FromSqlRaw .ExecuteSqlRaw .ExecuteSqlRawAsync .SqlQueryRaw .Query .QueryAsync .Execute .ExecuteAsync new.OleDbCommand",
    "deserialise": ".Deserialize .UnsafeDeserialize new.LosFormatter",
    "dynamic": "Assembly.LoadFrom Assembly.LoadFile Assembly.Load",
}
_RUBY: Final = {
    "command": "system exec ` %x IO.popen Kernel.system Kernel.exec Open3.capture2 Open3.capture2e Open3.capture3 Open3.popen3 spawn popen Process.spawn",
    "code": "eval instance_eval class_eval module_eval .instance_eval .class_eval binding.eval ERB.new Kernel.eval",
    "path": "File.read File.open File.write File.delete File.readlines File.new IO.read IO.readlines File.unlink FileUtils.rm FileUtils.rm_rf FileUtils.rm_r Dir.entries Dir.children File.binread File.foreach IO.binread",
    "ssrf": "Net::HTTP.get Net::HTTP.get_response Net::HTTP.post URI.open HTTParty.get HTTParty.post Faraday.get RestClient.get RestClient.post open-uri Excon.get HTTP.get Net::HTTP.start",
    "sql": ".execute .exec .query .find_by_sql .where .exec_query .select_all .execute_batch .exec_params .order .select_values",
    "deserialise": "Marshal.load YAML.load YAML.unsafe_load Oj.load Psych.load Psych.unsafe_load Marshal.restore",
    "dynamic": "load require",
}
_PHP: Final = {
    "command": "exec shell_exec system passthru popen proc_open ` pcntl_exec",
    "code": "eval assert create_function preg_replace_callback",
    "dynamic": "include include_once require require_once",
    "path": "file_get_contents fopen readfile unlink file_put_contents file rmdir copy rename scandir opendir new.SplFileObject highlight_file show_source rename",
    "ssrf": "curl_init curl_setopt get_headers .get .request Http.get",
    "sql": "mysqli_query .query .exec pg_query mysql_query .unprepared DB.select DB.statement DB.raw mysqli_multi_query .multi_query",
    "deserialise": "unserialize yaml_parse",
}
_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "tsx": _JAVASCRIPT,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
    "csharp": _CSHARP,
    "ruby": _RUBY,
    "php": _PHP,
}
_CLIENTS: Final = (
    "client",
    "session",
    "http",
    "axios",
    "requests",
    "httpx",
    "fetcher",
    "api",
    "web",
    "got",
    "guzzle",
)
"""What a method `.get` is called on, for it to be a request."""


@dataclass(frozen=True, slots=True)
class Sink:
    """A dangerous use: its kind, the expressions that matter, whether only a text that was put together does."""

    kind: str
    matters: tuple[Expr, ...]
    built: bool = False


@cache
def _index(language: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for kind, names in _TABLES[language].items():
        for name in names.split():
            found.setdefault(name, []).append(kind)
    return {name: tuple(kinds) for name, kinds in found.items()}


def sinks(call: Expr, language: str) -> Iterator[Sink]:
    """What a call does that is dangerous with an attacker's values."""
    index, name = _index(language), call.text
    last = name.rpartition(".")[2].rpartition("::")[2]
    kinds = index.get(name, ())
    if not kinds and call.base is not None:
        kinds = index.get("." + last, ())
    if not kinds and language in ("rust", "java", "csharp", "ruby"):
        kinds = index.get("::".join(name.split("::")[-2:]), ()) or index.get(
            ".".join(name.split(".")[-2:]), ()
        )
    for kind in kinds:
        sink = _sink(kind, call, last, language)
        if sink is not None:
            yield sink


def _sink(kind: str, call: Expr, last: str, language: str) -> Sink | None:  # noqa: C901 # a line for each kind
    args = tuple(call.parts)
    if kind == "command":
        if (
            last == "exec"
            and call.base is not None
            and language in ("javascript", "typescript", "tsx")
            and not _process(call.base)
        ):
            return None
        return Sink("command", args[:1] or tuple(call.named.values()))
    if kind == "exec":
        return _exec(call, language)
    if kind == "client":
        asked = call.base is not None and any(
            each in _called(call.base).rpartition(".")[2].lower() for each in _CLIENTS
        )
        return (
            Sink("ssrf", args[1:2] if last in ("request", "stream") and len(args) > 1 else args[:1])
            if asked and args
            else None
        )
    if kind == "ssrf":
        return Sink("ssrf", _address(call, last, args))
    if kind == "sql":
        return Sink("sql", args[:2] if language in ("go", "php") else args[:1], built=True)
    if kind == "deserialise":
        return (
            None
            if last in ("load", "load_all") and _safe_loader(call)
            else Sink("deserialise", (*args, *((call.base,) if call.base else ())))
        )
    if kind == "path":
        if call.base is not None and call.text not in _index(language) and "." + last in _index(language):
            return Sink("path", (call.base,))
        return Sink("path", args if last in ("copy", "copyfile", "move", "rename", "copyFile") else args[:1])
    if kind == "template":
        return (
            Sink("template", args[:1])
            if language != "go" or (call.base is not None and "emplate" in _called(call.base))
            else None
        )
    return Sink(kind, args[-1:] if last == "Function" else args[:1])


def _process(base: Expr) -> bool:
    name = _called(base).lower()
    return any(each in name for each in ("child", "cp", "shell", "process", "proc", "util"))


def _called(base: Expr) -> str:
    return base.text if base.kind != "attr" or base.base is None else f"{_called(base.base)}.{base.text}"


def _address(call: Expr, last: str, args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    if last in ("request", "NewRequest", "stream") and len(args) > 1 and args[0].kind == "const":
        return args[1:2]
    if last == "NewRequestWithContext":
        return args[2:3]
    if last == "curl_setopt":
        return args[2:3] if len(args) > 2 and args[1].text == "CURLOPT_URL" else ()
    named = tuple(call.named[key] for key in ("url", "uri", "baseURL") if key in call.named)
    return (*args[:1], *named)


def _safe_loader(call: Expr) -> bool:
    """`yaml.load(x, Loader=SafeLoader)`; what else is called `load` has no loader."""
    told = [*call.named.values(), *call.parts[1:]]
    return any("Safe" in name or "safe" in name for each in told for name in (each.text, *each.names()))


def _exec(call: Expr, language: str) -> Sink | None:
    """A program with a list of words: dangerous is the program, a shell's words, and all of it with `shell=True`."""
    if language == "rust":
        return Sink("command", tuple(call.parts[:1]))
    parts = call.parts
    if call.text.endswith(("CommandContext",)):
        parts = parts[1:]
    if _with_shell(call):
        return Sink("command", tuple(parts[:2]))
    words: list[Expr] = []
    for part in parts[:3]:
        words += part.parts if part.kind == "join" and not part.built and not part.text else [part]
    if not words:
        return (
            Sink(
                "command",
                tuple(call.named[key] for key in ("args", "FileName", "Arguments") if key in call.named),
            )
            if call.named
            else None
        )
    shell = words[0].kind == "const" and words[0].text in SHELLS
    joined = language == "csharp" and len(words) > 1 and words[1].built
    if shell or joined:
        return Sink("command", tuple(words))
    return Sink("program", tuple(words[:1])) if words[0].kind != "const" else None


def _with_shell(call: Expr) -> bool:
    shell = call.named.get("shell")
    if shell is None:
        options = [part for part in call.parts if "shell" in part.named]
        shell = options[0].named["shell"] if options else None
    return shell is not None and not (
        shell.kind == "const" and shell.text.lower() in ("false", "none", "0", "")
    )
