using System.Diagnostics;
using System.Reflection;
using Mesh.Cli.Shell;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Cli.Demo;

/// <summary>Runs the mesh program on the demo's machines, as an operator would run it there.</summary>
/// <param name="logDirectory">Where the daemons' output goes.</param>
/// <param name="program">The program and its first arguments.</param>
internal sealed class DemoProgram(string logDirectory, IReadOnlyList<string> program)
{
    private const int LinesShown = 8;

    /// <summary>This very program.</summary>
    public static IReadOnlyList<string> Self { get; } =
        Environment.ProcessPath is not { } path ? throw new InvalidOperationException("this process has no program file")
        : Path.GetFileNameWithoutExtension(path) == "dotnet" ? [path, Assembly.GetEntryAssembly()!.Location]
        : [path];

    /// <summary>Starts a daemon; its output goes to a file.</summary>
    public Process StartDaemon(NetworkNamespace where, string name, params string[] arguments)
    {
        Process process = where.Start(StartInfo(arguments));
        TextWriter log = TextWriter.Synchronized(File.CreateText(LogOf(name)));
        void Keep(string? line)
        {
            if (line is null)
                return;
            log.WriteLine(line);
            log.Flush();
        }

        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs a command to its end.</summary>
    /// <returns>What it wrote to its output.</returns>
    /// <exception cref="CommandFailedException">It ended with another status than 0, and <paramref name="mayFail"/> is false; the message has what it said.</exception>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(NetworkNamespace where, bool mayFail, CancellationToken cancellation, params string[] arguments)
    {
        Process process = where.Start(StartInfo(arguments));
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        string said = (await error).Trim();
        if (process.ExitCode != 0 && !mayFail)
            throw CommandFailedException.Failed($"'mesh {string.Join(' ', arguments.Take(2))}' failed: {(said.Length > 0 ? said : $"status {process.ExitCode}")}");
        return (process.ExitCode, await output, said);
    }

    /// <summary>The last lines that a daemon wrote.</summary>
    public string LastWordsOf(string name)
    {
        string path = LogOf(name);
        return File.Exists(path) ? string.Join('\n', File.ReadLines(path).TakeLast(LinesShown)) : "";
    }

    private ProcessStartInfo StartInfo(string[] arguments)
    {
        var start = new ProcessStartInfo(program[0]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (string argument in program.Skip(1).Concat(arguments))
            start.ArgumentList.Add(argument);
        // Ten processes on a small machine: start quickly and stay small rather than reach the highest speed.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        return start;
    }

    private string LogOf(string name) => Path.Combine(logDirectory, $"{name}.log");
}
