using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Mesh.Cli.Tests.Processes;

/// <summary>The real program, started as a user starts it.</summary>
internal sealed class MeshProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(150);
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "mesh.dll");

    private readonly Process _process;
    private readonly bool _isOwn;
    private readonly StringBuilder _errors = new();
    private readonly Task _reading;

    private MeshProcess(Process process, bool isOwn)
    {
        (_process, _isOwn, Id) = (process, isOwn, process.Id);
        _reading = Task.Run(async () =>
        {
            while (await process.StandardError.ReadLineAsync() is { } line)
            {
                lock (_errors)
                    _errors.AppendLine(line);
            }
        });
    }

    /// <summary>Its number.</summary>
    public int Id { get; }

    /// <summary>What it has written to standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString();
        }
    }

    /// <summary>How to start the program.</summary>
    public static ProcessStartInfo Command(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        start.ArgumentList.Add(Program);
        foreach (string arg in args)
            start.ArgumentList.Add(arg);
        return start;
    }

    /// <summary>Starts something that runs until it is stopped.</summary>
    public static MeshProcess Start(params string[] args) => new(Process.Start(Command(args))!, isOwn: true);

    /// <summary>What somebody else has started, who also disposes the process.</summary>
    public static MeshProcess Of(Process process) => new(process, isOwn: false);

    /// <summary>Runs something to its end.</summary>
    public static async Task<CliRun> RunAsync(params string[] args)
    {
        await using MeshProcess process = Start(args);
        return await process.EndAsync();
    }

    /// <summary>The next line of standard output.</summary>
    public async Task<string> ReadLineAsync()
    {
        string? line = await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Limit, TestContext.Current.CancellationToken);
        return line ?? throw new IOException($"it ended: {Errors}");
    }

    /// <summary>Waits for its end.</summary>
    public async Task<CliRun> EndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Limit, TestContext.Current.CancellationToken);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limit, TestContext.Current.CancellationToken);
        await _reading;
        return new CliRun(_process.ExitCode, output, Errors);
    }

    /// <summary>Sends SIGTERM and waits for its end.</summary>
    public async Task<CliRun> TerminateAsync()
    {
        using (Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        return await EndAsync();
    }

    /// <summary>Sends SIGKILL, which the program cannot see coming, and waits for its end.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limit, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
        await _reading;
        if (_isOwn)
            _process.Dispose();
    }
}
