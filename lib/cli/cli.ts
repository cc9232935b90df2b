// From an argv to a command: options, exit codes, what to say when it makes no sense.
import packageJson from "../../package.json" with { type: "json" };
import { nearestKey } from "../config/nearest_key.ts";
import { currentRuntime } from "../runtime/runtime.ts";
import { help } from "./help.ts";
import { type Options, parseCommandLine, UsageError } from "./command_line.ts";

/** 0 fine, 1 the configuration or what was tried is not, 2 wrong usage. */
type ExitCode = number;

// Commands load what they need when they run: --version and --help are quick, and serve does not carry init's parts.
const commands: Readonly<Record<string, (options: Options, word?: string) => Promise<ExitCode>>> = {
  async serve({ config, host, port, workers, worker }) {
    currentRuntime().raiseOutgoingLimit(); // replaces the process, so before the server's parts are loaded
    const command = { configPath: configPath(config), host, port: portNumber(port) };
    const count = workers === undefined ? 1 : wholeNumber("--workers", workers, { min: 1, max: 256 });
    if (count > 1) {
      const { supervise } = await import("./supervise.ts");
      return await supervise({ ...command, workers: count });
    }
    const { serve } = await import("./serve.ts");
    return await serve({ ...command, ...(worker === undefined ? {} : { worker: Number(worker) }) });
  },
  async demo({ port }) {
    const { demo } = await import("./demo.ts");
    return await demo({ port: portNumber(port) });
  },
  async init({ systemd, ...options }) {
    if (systemd) {
      const { initSystemd } = await import("./init_systemd.ts");
      return initSystemd(options);
    }
    const { init } = await import("./init.ts");
    return await init(options);
  },
  async check({ config, public: alsoPublic, health, host, port }) {
    if (health) {
      if (alsoPublic) {
        throw new UsageError("--health asks the server on this machine, --public the public URL; not both.");
      }
      const { checkHealth } = await import("./check_health.ts");
      return await checkHealth({ configPath: configPath(config), host, port: portNumber(port) });
    }
    if (host !== undefined || port !== undefined) throw new UsageError("--host and --port belong to check --health.");
    const { check } = await import("./check.ts");
    return await check({ configPath: configPath(config), alsoPublic: alsoPublic === true });
  },
  async doctor({ config, json, long, seconds }, url) {
    if (seconds !== undefined && long === undefined) throw new UsageError("--seconds belongs to --long.");
    if (url !== undefined && config !== undefined) throw new UsageError("doctor takes a URL or --config, not both.");
    const { doctor } = await import("./doctor.ts");
    const longSeconds = long === undefined ? undefined : wholeNumber("--seconds", seconds ?? "150", { max: 150 });
    return await doctor({ url, configPath: configPath(config), json: json === true, longSeconds });
  },
  async secret() {
    const { freshSecret } = await import("./secret.ts");
    console.log(freshSecret());
    return 0;
  },
};

/** Runs the command of an argv (program and script first) and ends the process with its exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  process.exit(await runCommand(argv.slice(2)));
}

async function runCommand(args: readonly string[]): Promise<ExitCode> {
  try {
    const { command, options, word } = parseCommandLine(args);
    if (options.version) {
      console.log(`mcp-oauth-proxy ${packageJson.version}`);
      return 0;
    }
    if (options.help || command === "help") {
      console.log(help);
      return 0;
    }
    const start = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (start === undefined) throw new UsageError(`There is no command ${JSON.stringify(command)}.${hint(command)}`);
    return await start(options, word);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nSee: mcp-oauth-proxy --help`);
    return 2;
  }
}

function hint(command: string): string {
  const near = nearestKey(command, Object.keys(commands));
  if (near !== undefined) return ` Did you mean ${near}?`;
  return command.endsWith(".toml") ? ` To use that file: mcp-oauth-proxy -c ${command}` : "";
}

function configPath(given: string | undefined): string {
  const { MCP_PROXY_CONFIG, MCP_OAUTH2_PROXY_CONFIG } = process.env;
  return given ?? (MCP_PROXY_CONFIG || MCP_OAUTH2_PROXY_CONFIG || "config.toml");
}

function portNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : wholeNumber("--port", text, { max: 65535 });
}

function wholeNumber(flag: string, text: string, { min = 0, max }: { min?: number; max: number }): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < min || Number(text) > max) {
    throw new UsageError(`${flag} takes a number from ${min} to ${max}, not ${JSON.stringify(text)}.`);
  }
  return Number(text);
}
