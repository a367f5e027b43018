using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Mesh.Actors.Persistence.Postgres;

namespace Mesh.Actors.Persistence.Tests.Postgres;

/// <summary>A process of its own that takes part in the leadership, so that it can be frozen and killed: this test program, told to run <see cref="LeaderProcessMain"/> alone.</summary>
internal sealed class LeaderProcess : IDisposable
{
    public const string Variable = "MESH_TEST_LEADER";

    /// <summary>What its lines begin with; others are the runner's.</summary>
    public const string Mark = "state: ";

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    private LeaderProcess(Process process) => _process = process;

    /// <summary>What it reported so far, one state a line.</summary>
    public string[] Lines => [.. _lines];

    public static LeaderProcess Start(string connectionString, string schema, string url)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(LeaderProcessMain).FullName}.{nameof(LeaderProcessMain.TakesPart)}", "-noColor", "-noLogo"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
            Environment = { [Variable] = string.Join('|', connectionString, schema, url) },
        };
        Process process = Process.Start(start)!;
        var leader = new LeaderProcess(process);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith(Mark, StringComparison.Ordinal) == true)
                leader._lines.Enqueue(line.Data[Mark.Length..]);
        };
        process.BeginOutputReadLine();
        return leader;
    }

    public void Signal(string signal)
    {
        using Process kill = Process.Start("kill", ["-" + signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

/// <summary>What a <see cref="LeaderProcess"/> does.</summary>
public sealed class LeaderProcessMain
{
    [Fact(Explicit = true)]
    public async Task TakesPart()
    {
        string? settings = Environment.GetEnvironmentVariable(LeaderProcess.Variable);
        Assert.SkipWhen(settings is null, "for another test, which starts it as a process");
        string[] parts = settings.Split('|');
        var leadership = new Leadership(
            new PostgresOptions { ConnectionString = parts[0], Schema = parts[1] }, new LeadershipOptions { Url = new Uri(parts[2]) });
        using var ending = new CancellationTokenSource();
        Task running = leadership.RunAsync(
            state => Console.WriteLine(LeaderProcess.Mark + state switch
            {
                Leading leading => string.Create(CultureInfo.InvariantCulture, $"leading {leading.Epoch}"),
                Following following => $"following {following.Url}",
                NoLeader no => $"none: {no.Reason}",
                _ => "?",
            }),
            ending.Token);

        // The other process closes its end, or dies.
        await using System.IO.Stream input = Console.OpenStandardInput();
        Assert.Equal(0, await input.ReadAsync(new byte[1]));
        await ending.CancelAsync();
        await running;
    }
}
