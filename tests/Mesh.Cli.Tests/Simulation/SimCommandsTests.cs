using System.Text.Json;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests.Simulation;

public sealed class SimCommandsTests
{
    private const string Scenario = """
        scenario {
          name = small
          sites = [ { name = open, nodes = 3 } ]
          parameters { client-count = 1, hello = 4 s }
          steps = [
            { do = await-routes, within = 60 s }
            { do = chaos, for = 60 s, every = 10 s, faults = [kill, set-parameters, registry-kill] }
            { do = await-routes, within = 200 s }
          ]
        }
        """;

    [Fact]
    public async Task Invariants_are_listed()
    {
        CliRun run = await CliRun.OfAsync("sim", "invariants");
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"routing-loops +1 s +60 s +Following next hops never leads in a circle", run.Out);
        using var json = JsonDocument.Parse((await CliRun.OfAsync("sim", "invariants", "--json")).Out);
        JsonElement first = json.RootElement[0];
        Assert.Equal(("overlapping-prefixes", 5, 0), (first.GetProperty("name").GetString(), first.GetProperty("interval_seconds").GetDouble(), first.GetProperty("grace_seconds").GetDouble()));
    }

    [Fact]
    public async Task What_is_written_with_the_faults_of_a_seed_is_the_same_run()
    {
        using var folder = new TempFolder();
        string file = folder.Write("small.conf", Scenario);
        CliRun run = await CliRun.OfAsync("sim", "run", file, "--seed", "2", "--nodes", "6", "--write", folder["listed.conf"]);
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        string listed = await File.ReadAllTextAsync(folder["listed.conf"], TestContext.Current.CancellationToken);
        Assert.Contains("{ name = open, nodes = 5 }", listed, StringComparison.Ordinal);
        CliRun again = await CliRun.OfAsync("sim", "run", folder["listed.conf"], "--seed", "2");
        Assert.Equal(DigestOf(run), DigestOf(again));
    }

    [Fact]
    public async Task A_violation_comes_with_a_command_to_just_before_it()
    {
        using var folder = new TempFolder();
        string file = folder.Write("small.conf", Scenario.Replace("name = small", "name = small\n invariants { parameters-spread { grace = 0 s } }", StringComparison.Ordinal));
        CliRun run = await CliRun.OfAsync("sim", "run", file, "--seed", "3");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Matches(@"violation at \d+\.\d+ s: invariant parameters-spread: ", run.Out);
        Assert.Matches(@"invariant parameters-spread was violated at \d+ places; docs/invariants/parameters-spread\.md", run.Out);
        string command = run.Out.Split('\n').Single(static line => line.StartsWith("just before: mesh ", StringComparison.Ordinal))["just before: mesh ".Length..];
        Assert.StartsWith($"sim run {file} --seed 3 --until ", command, StringComparison.Ordinal);
        CliRun before = await CliRun.OfAsync(command.Split(' '));
        Assert.Equal((ExitCode.Ok, ""), (before.ExitCode, before.Error));
        CliRun sweep = await CliRun.OfAsync("sim", "sweep", file, "--first", "3", "--seeds", "1");
        Assert.Equal(ExitCode.Failed, sweep.ExitCode);
        Assert.Contains($"just before: mesh {command}\n", sweep.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1e99")]
    public async Task A_time_that_is_none_is_refused(string until)
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("sim", "run", folder.Write("small.conf", Scenario), $"--until={until}")).RefusesWith("--until ", ": expected seconds of virtual time, 0 to 4000000000");
    }

    [Fact]
    public async Task A_scenario_with_a_violation_is_made_smaller_and_the_file_has_it()
    {
        using var folder = new TempFolder();
        string file = folder.Write("small.conf", Scenario.Replace("name = small", "name = small\n invariants { parameters-spread { grace = 0 s } }", StringComparison.Ordinal));
        CliRun run = await CliRun.OfAsync("sim", "shrink", file, "--seed", "3", "--out", folder["smaller.conf"]);
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"violation at \d+\.\d+ s: invariant parameters-spread: ", run.Out);
        Assert.Contains($"again: mesh sim run {folder["smaller.conf"]} --seed 3\n", run.Out, StringComparison.Ordinal);
        CliRun again = await CliRun.OfAsync("sim", "run", folder["smaller.conf"], "--seed", "3");
        Assert.Equal(ExitCode.Failed, again.ExitCode);
        Assert.Contains("invariant parameters-spread: ", again.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await CliRun.OfAsync("sim", "shrink", file, "--seed", "3", "--runs", "2", "--out", folder["partial.conf"], "--json")).Out);
        Assert.Equal((2, true), (json.RootElement.GetProperty("runs").GetInt32(), json.RootElement.GetProperty("is_partial").GetBoolean()));
        (await CliRun.OfAsync("sim", "shrink", folder.Write("good.conf", Scenario), "--seed", "3", "--json")).FailsWith("good.conf has no violation with seed 3");
        (await CliRun.OfAsync("sim", "shrink", file, "--runs", "0")).RefusesWith("--runs 0: expected a number from 1 to");
    }

    [Fact]
    public async Task Two_results_stand_side_by_side()
    {
        using var folder = new TempFolder();
        string file = folder.Write("small.conf", Scenario);
        string a = folder.Write("a.json", (await CliRun.OfAsync("sim", "run", file, "--seed", "1", "--json")).Out), b = folder.Write("b.json", (await CliRun.OfAsync("sim", "run", file, "--seed", "2", "--json")).Out);
        CliRun run = await CliRun.OfAsync("sim", "compare", a, b);
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"counter +messages +\d+ +\d+ +-?\d+ \([+-]\d+\.\d %\)", run.Out);
        Assert.EndsWith("different runs\n", run.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await CliRun.OfAsync("sim", "compare", a, a, "--json")).Out);
        Assert.True(json.RootElement.GetProperty("is_same_run").GetBoolean());
        (await CliRun.OfAsync("sim", "compare", a, file)).RefusesWith("small.conf: expected the result of a run");
        (await CliRun.OfAsync("sim", "compare", a, folder.Write("c.json", "{}"))).RefusesWith("c.json: expected the result of a run");
    }

    [Fact]
    public async Task The_messages_that_led_to_an_event_are_shown()
    {
        using var folder = new TempFolder();
        string file = folder.Write("small.conf", Scenario);
        CliRun run = await CliRun.OfAsync("sim", "explain", file, "--seed", "1", "--at", "30", "--machine", "open-1", "--message", "RoutesPublished", "--depth", "10000");
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"^ +\d+\.\d{6} s  open-1: (UDP|TCP) from 198\.18\.0\.\d+:\d+, \d+ octets\n( +/[^\n]+\n)* +/user/node/[a-z-]+ RoutesPublished\n", run.Out);
        Assert.EndsWith("here it begins\n", run.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await CliRun.OfAsync("sim", "explain", file, "--seed", "1", "--at", "30", "--actor", "babel", "--depth", "1", "--json")).Out);
        Assert.Equal(1, json.RootElement.GetProperty("chain").GetArrayLength());
        string wrong = folder.Write("wrong.conf", Scenario.Replace("name = small", "name = small\n invariants { parameters-spread { grace = 0 s } }", StringComparison.Ordinal));
        CliRun violation = await CliRun.OfAsync("sim", "explain", wrong, "--seed", "3", "--violation");
        Assert.StartsWith("violation at ", violation.Out, StringComparison.Ordinal);
        (await CliRun.OfAsync("sim", "explain", file)).RefusesWith("--at, --violation: expected one of them");
        (await CliRun.OfAsync("sim", "explain", file, "--at", "1", "--machine", "x")).RefusesWith("--machine x: there is no such machine in small");
        (await CliRun.OfAsync("sim", "explain", file, "--at", "5", "--actor", "nobody")).FailsWith("nothing like that has happened until 5 s");
    }

    private static string DigestOf(CliRun run) => run.Out.Split('\n').Single(static line => line.StartsWith("digest ", StringComparison.Ordinal));
}
