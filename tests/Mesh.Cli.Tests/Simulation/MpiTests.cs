using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests.Processes;

namespace Mesh.Cli.Tests.Simulation;

/// <summary>One run that several processes compute, started by Debian's <c>mpirun</c> on this machine, over shared memory only.</summary>
public sealed partial class MpiTests
{
    private const string MpiRun = "/usr/bin/mpirun";

    private const string Scenario = """
        scenario {
          name = together
          cryptography = modelled
          sites = [ { name = open, nodes = 5 }, { name = home, nat = true, nodes = 2 } ]
          parameters { client-count = 2, hello = 4 s }
          steps = [
            { do = await-routes, within = 60 s }
            { do = traffic, pairs = 5, interval = 500 ms }
            { do = crash, machine = open-2 }
            { do = wait, for = 10 s }
            { do = boot, machine = open-2 }
            { do = revoke, machine = open-3 }
            { do = await-ejected, machine = open-3, within = 30 s }
            { do = await-version, within = 60 s }
            { do = chaos, for = 30 s, every = 5 s, faults = [kill, leave, sleep, partition, registry-kill] }
            { do = await-routes, within = 200 s }
            { do = stop-traffic }
            { do = ping-all }
          ]
        }
        """;

    // So long that it has to be stopped.
    private const string Endless = """
        scenario {
          name = endless
          sites = [ { name = open, nodes = 5 } ]
          steps = [ { do = await-routes, within = 60 s }, { do = wait, for = 100 d } ]
        }
        """;

    [Fact]
    public async Task One_process_with_one_or_two_workers_and_two_and_four_processes_print_the_same_report()
    {
        using var folder = new TempFolder();
        string file = folder.Write("together.conf", Scenario);
        CliRun alone = await CliRun.OfAsync("sim", "run", file, "--seed", "5", "--workers", "1");
        Assert.Equal((ExitCode.Ok, ""), (alone.ExitCode, alone.Error));
        Assert.Matches("digest [0-9a-f]{16}\n$", alone.Out);
        CliRun workers = await CliRun.OfAsync("sim", "run", file, "--seed", "5", "--workers", "2");
        Assert.Equal(ReportOf(alone), ReportOf(workers), StringComparer.Ordinal);
        foreach (int ranks in (int[])[2, 4])
        {
            CliRun together = await RunAsync(ranks, file, "--seed", "5", "--report", folder[$"report-{ranks}"]);
            Assert.True(together.ExitCode == ExitCode.Ok, together.Error);
            Assert.Equal(ReportOf(alone), ReportOf(together).Where(static line => !line.StartsWith("report: ", StringComparison.Ordinal)), StringComparer.Ordinal);
            Assert.True(File.Exists(folder[$"report-{ranks}/report.html"]));
        }
    }

    [Fact]
    public async Task A_broken_scenario_is_refused_once_and_ends_all()
    {
        using var folder = new TempFolder();
        CliRun run = await RunAsync(3, folder.Write("broken.conf", Scenario.Replace("do = ping-all", "do = sing", StringComparison.Ordinal)));
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Single(BrokenLine().Matches(run.Error));
        Assert.DoesNotContain("digest", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_violation_is_the_status_of_all_and_is_printed_once()
    {
        using var folder = new TempFolder();
        CliRun run = await RunAsync(2, folder.Write("early.conf", Scenario.Replace("{ do = crash, machine = open-2 }", "{ do = crash, machine = open-2 }, { do = await-version, within = 1 s }, { do = await-joined, within = 1 s }, { do = stop-traffic, max-lost = 0, min-destroyed = 1000 }, { do = traffic, pairs = 1, interval = 1 s }", StringComparison.Ordinal)), "--seed", "5");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Single(Regex.Matches(run.Out, "^violation ", RegexOptions.Multiline, TimeSpan.FromSeconds(1)));
        Assert.Single(Regex.Matches(run.Out, "^digest ", RegexOptions.Multiline, TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData("-TERM")]
    [InlineData("-INT")]
    public async Task A_signal_to_mpirun_ends_all_soon(string signal)
    {
        using var folder = new TempFolder();
        using Process mpirun = Start(3, folder.Write("endless.conf", Endless));
        await using MeshProcess process = MeshProcess.Of(mpirun);
        int[] ranks = await RanksOfAsync(mpirun.Id, 3);
        await ReadUntilAsync(process, "every node has a route");
        await KillAsync(signal, mpirun.Id);
        CliRun run = await EndSoonAsync(process);
        Assert.NotEqual(ExitCode.Ok, run.ExitCode);
        await GoneAsync(ranks);
    }

    [Fact]
    public async Task Where_one_process_dies_all_end_soon()
    {
        using var folder = new TempFolder();
        using Process mpirun = Start(3, folder.Write("endless.conf", Endless));
        await using MeshProcess process = MeshProcess.Of(mpirun);
        int[] ranks = await RanksOfAsync(mpirun.Id, 3);
        await ReadUntilAsync(process, "every node has a route");
        await KillAsync("-KILL", ranks[^1]);
        CliRun run = await EndSoonAsync(process);
        Assert.NotEqual(ExitCode.Ok, run.ExitCode);
        await GoneAsync(ranks);
    }

    [Fact]
    public async Task Without_mpirun_or_with_it_and_without_the_option_or_with_a_log_it_is_refused()
    {
        using var folder = new TempFolder();
        string file = folder.Write("together.conf", Scenario);
        static CliContext AsOneOf(CliContext context, string count) => context with { Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["OMPI_COMM_WORLD_SIZE"] = count } };
        (await CliRun.OfAsync("sim", "run", file, "--mpi")).RefusesWith("--mpi", "mpirun -np 4");
        (await CliRun.OfAsync(static context => AsOneOf(context, "4"), "sim", "run", file)).RefusesWith("started 4 of these", "--mpi");
        (await CliRun.OfAsync(static context => AsOneOf(context, "4"), "sim", "run", file, "--mpi", "--log", "info")).RefusesWith("--log", "one process");
    }

    private static async Task<CliRun> RunAsync(int ranks, string file, params string[] args)
    {
        using Process mpirun = Start(ranks, file, args);
        await using MeshProcess process = MeshProcess.Of(mpirun);
        return await process.EndAsync();
    }

    private static Process Start(int ranks, string file, params string[] args)
    {
        Assert.SkipUnless(File.Exists(MpiRun), $"{MpiRun} is not there: Debian's package openmpi-bin");
        ProcessStartInfo mesh = MeshProcess.Command(["sim", "run", file, "--mpi", .. args]);
        var start = new ProcessStartInfo(MpiRun) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (string arg in (string[])["--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,vader", "-np", ranks.ToString(CultureInfo.InvariantCulture), mesh.FileName, .. mesh.ArgumentList])
            start.ArgumentList.Add(arg);
        start.Environment["TERM"] = "dumb";   // rank 0 has a terminal of mpirun
        return Process.Start(start)!;
    }

    // What rank 0 writes comes over a terminal, whose lines end otherwise. The line with the time that it took is left out.
    private static IEnumerable<string> ReportOf(CliRun run) =>
        run.Out.Replace("\r", "", StringComparison.Ordinal).Split('\n').Where(static line => !line.Contains(" virtual seconds in ", StringComparison.Ordinal));

    private static async Task ReadUntilAsync(MeshProcess process, string text)
    {
        while (!(await process.ReadLineAsync()).Contains(text, StringComparison.Ordinal))
        {
        }
    }

    private static async Task<CliRun> EndSoonAsync(MeshProcess process) => await process.EndAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    private static async Task KillAsync(string signal, int id)
    {
        using Process kill = Process.Start("kill", [signal, id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<int[]> RanksOfAsync(int mpirun, int count)
    {
        string children = $"/proc/{mpirun}/task/{mpirun}/children";
        for (int i = 0; i < 300; i++)
        {
            string[] ids = (await File.ReadAllTextAsync(children, TestContext.Current.CancellationToken)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (ids.Length == count)
                return [.. ids.Select(static id => int.Parse(id, CultureInfo.InvariantCulture))];
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"mpirun has not started {count} processes within 30 s");
        return [];
    }

    private static async Task GoneAsync(int[] ids)
    {
        for (int i = 0; i < 100 && ids.Any(static id => Directory.Exists($"/proc/{id}")); i++)
            await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(ids, static id => Directory.Exists($"/proc/{id}"));
    }

    [GeneratedRegex(@"broken\.conf:\d+:\d+: scenario\.steps\[11\]\.do: 'sing' is not a step", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BrokenLine();
}
