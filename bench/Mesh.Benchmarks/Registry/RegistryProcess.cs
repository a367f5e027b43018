using System.Diagnostics;
using System.Net;
using System.Text;

namespace Mesh.Benchmarks.Registry;

/// <summary>A registry as an operator starts it: the program itself, on a port of the loopback that the system chose.</summary>
internal sealed class RegistryProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private RegistryProcess(Process process)
    {
        _process = process;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it serves; known once <see cref="WaitUntilItListens"/> has returned.</summary>
    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>Processor time that it has used, user and system.</summary>
    public TimeSpan ProcessorTime => ProcessSample.ProcessorTime(_process.Id);

    /// <summary>Resident memory, MiB.</summary>
    public double ResidentMib => ProcessSample.ResidentMib(_process.Id);

    /// <summary>Starts it; returns before it listens.</summary>
    public static RegistryProcess Start(string program, string directory) => new(Process.Start(Command(
        program, "registry", "run", "--dir", directory, "--listen", "127.0.0.1:0", "--set", $"registry.prefix-length={PreparedNetwork.PrefixLength}", "--set", "log.level=warning"))!);

    /// <summary>Starts it and waits until it listens.</summary>
    public static RegistryProcess Run(string program, string directory)
    {
        RegistryProcess process = Start(program, directory);
        try
        {
            process.WaitUntilItListens();
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Runs a command of the program to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    public static string Execute(string program, params string[] arguments)
    {
        using Process process = Process.Start(Command(program, arguments))!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"mesh {string.Join(' ', arguments)} ended with status {process.ExitCode}: {output}");
    }

    /// <summary>Reads the line that says where it serves.</summary>
    public void WaitUntilItListens()
    {
        Task<string?> reading = _process.StandardOutput.ReadLineAsync();
        if (!reading.Wait(Patience) || reading.Result is not { } line)
            throw new InvalidOperationException($"the registry did not start: {Errors()}");
        EndPoint = new IPEndPoint(IPAddress.Loopback, new Uri(line).Port);
    }

    /// <summary>Ends it at once: what was measured needs no farewell.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private string Errors()
    {
        lock (_errors)
            return _errors.ToString();
    }

    private static ProcessStartInfo Command(string program, params string[] arguments)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        return new ProcessStartInfo(host, [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
    }
}
