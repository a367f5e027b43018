using System.Text.Json;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests.Simulation;

public sealed class PaperCommandTests
{
    [Fact]
    public async Task Theirs_are_printed_beside_ours()
    {
        CliRun run = await CliRun.OfAsync("sim", "paper", "hops", "--nodes", "100,400", "--tunnels", "10,12");
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"n=100 k=10 cap=30 +mean_hops +1\.8\d* +1\.81968 +[+-]\d\.\d\d % +1 %  published +ok\n", run.Out);
        Assert.Matches(@"n=400 k=12 cap=36 +mean_hops +2\.\d+\n", run.Out);   // nobody published that
        Assert.Contains("2 of 2 numbers are within their tolerance\ndigest ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_result_is_JSON_and_nothing_else()
    {
        CliRun run = await CliRun.OfAsync("sim", "paper", "refresh-latency", "--nodes", "100", "--rounds", "3", "--replicates", "2", "--matrix", "U", "--json");
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        using var json = JsonDocument.Parse(run.Out);
        Assert.Equal(4, json.RootElement.GetProperty("rows").GetArrayLength());
        Assert.Equal((0, false, 16), (json.RootElement.GetProperty("outside").GetInt32(), json.RootElement.GetProperty("is_partial").GetBoolean(), json.RootElement.GetProperty("digest").GetString()!.Length));
    }

    [Fact]
    public async Task The_page_is_written_to_a_file()
    {
        using var folder = new TempFolder();
        CliRun run = await CliRun.OfAsync("sim", "paper", "hops", "--nodes", "100", "--tunnels", "10", "--html", folder["paper.html"]);
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Contains("<h2>hops</h2>", await File.ReadAllTextAsync(folder["paper.html"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
        (await CliRun.OfAsync("sim", "paper", "cut", "--nodes", "10", "--html", folder["none/x.html"])).FailsWith(folder["none/x.html"]);
    }

    [Fact]
    public async Task The_digest_does_not_depend_on_threads()
    {
        string[] command = ["sim", "paper", "kill", "--nodes", "500", "--tunnels", "4", "--replicates", "5", "--seed", "9"];
        CliRun one = await CliRun.OfAsync([.. command, "--threads", "1"]), three = await CliRun.OfAsync([.. command, "--threads", "3"]);
        Assert.Equal(one.Out.Split('\n')[^2], three.Out.Split('\n')[^2]);
        Assert.StartsWith("digest ", one.Out.Split('\n')[^2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_matrix_is_read_from_a_file()
    {
        using var folder = new TempFolder();
        string file = folder.Write("king.txt", string.Join('\n', Enumerable.Range(0, 19).Select(static i => string.Join(' ', Enumerable.Range(1, 19 - i).Select(j => 1000 + (j * 100))))));
        CliRun run = await CliRun.OfAsync("sim", "paper", "refresh-latency", "--matrix", file, "--tunnels", "3", "--rounds", "1");
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Contains("n=20 k=3 cap=9 row=0", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("note:", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_matrix_is_named_with_file_line_and_what_was_expected()
    {
        using var folder = new TempFolder();
        string file = folder.Write("king.txt", "1000 2000 3000\n1000\n1000\n");
        (await CliRun.OfAsync("sim", "paper", "refresh-latency", "--matrix", file)).RefusesWith($"{file}:2: expected 2 numbers, one less than in the line before, found 1");
        (await CliRun.OfAsync("sim", "paper", "refresh-latency", "--matrix", folder["none"])).RefusesWith(folder["none"]);
    }

    [Theory]
    [InlineData("hops --nodes 2", "--nodes 2: expected whole numbers from 3 to 1000000 with commas in between, found '2'")]
    [InlineData("hops --nodes 100,,x", "found ''")]
    [InlineData("hops --nodes 100,,x", "found 'x'")]
    [InlineData("hops --tunnels 0", "--tunnels 0: expected whole numbers from 1 to 1000")]
    [InlineData("hops --nodes 1000000 --tunnels 1000", "expected at most 100,000,000 tunnels in all")]
    [InlineData("hops --tunnels 10 --cap 9", "--cap 9: expected more than the 10 tunnels")]
    [InlineData("hops --rounds 3", "--rounds: hops has no use for it; it goes with refresh-hops, refresh-latency, refresh-nodes")]
    [InlineData("hops --matrix U", "--matrix: hops has no use for it")]
    [InlineData("cut --nodes 20001", "from 3 to 20000")]
    [InlineData("kill --churn 0,0.1", "--churn: kill has no use for it")]
    [InlineData("refresh-latency --churn 0.2,0.1", "--churn 0.2,0.1: expected two numbers from 0 to 1, the smaller one first")]
    [InlineData("refresh-latency --churn much", "--churn much: expected two numbers")]
    [InlineData("refresh-latency --rounds -1", "--rounds -1: expected a number from 0 to")]
    [InlineData("refresh-latency --replicates 0", "--replicates 0: expected a number from 1 to")]
    [InlineData("refresh-latency --threads 0", "--threads 0: expected a number from 1 to 1024")]
    [InlineData("refresh-latency --matrix x --nodes 100", "--nodes: the file of --matrix says how many there are")]
    [InlineData("refresh-nodes --nodes 1001", "--nodes 1001: expected whole numbers from 3 to 1000")]
    [InlineData("refresh-nodes --churn 0,0.1", "--churn: refresh-nodes has no use for it")]
    [InlineData("refresh-latency --babel rtt-max", "--babel: refresh-latency has no use for it; it goes with refresh-nodes")]
    [InlineData("all --nodes 100", "--nodes and --tunnels: name one experiment")]
    [InlineData("hop", "hop")]
    public async Task Wrong_input_is_refused_with_option_value_and_rule(string arguments, string problem) =>
        (await CliRun.OfAsync(["sim", "paper", .. arguments.Split(' ')])).RefusesWith(problem);

    [Fact]
    public async Task An_overlay_that_cannot_be_built_is_said() =>
        (await CliRun.OfAsync("sim", "paper", "hops", "--nodes", "50", "--tunnels", "5", "--cap", "6", "--json")).RefusesWith("50 nodes with 5 tunnels each and cap 6 cannot be built: node ", "a larger cap is needed");

    [Fact]
    public async Task A_cap_without_room_for_received_tunnels_is_said() =>
        (await CliRun.OfAsync("sim", "paper", "refresh-latency", "--nodes", "50", "--cap", "10", "--json")).RefusesWith("the cap leaves no room for received tunnels; expected more than 10");

    [Fact]
    public async Task Interrupted_it_prints_what_is_there_and_ends_with_status_1()
    {
        using StringWriter output = new(), error = new();
        int code = await MeshCommandLine.RunAsync(["sim", "paper", "hops"], new CliContext { Out = output, Error = error }, new CancellationToken(canceled: true));
        Assert.Equal((ExitCode.Failed, ""), (code, error.ToString()));
        Assert.Contains("stopped before the end\n0 of 0 numbers are within their tolerance\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_sees_progress_and_a_file_does_not()
    {
        string[] command = ["sim", "paper", "hops", "--nodes", "20000", "--tunnels", "5"];
        Assert.Contains("hops: cell 1 of 1: 20,000 nodes, 5 tunnels, ", (await CliRun.OfAsync(static context => context with { IsTerminal = true }, command)).Error, StringComparison.Ordinal);
        Assert.Empty((await CliRun.OfAsync(command)).Error);
    }

    [Fact]
    public async Task Words_about_round_trips_that_cannot_be_used_are_said() =>
        (await CliRun.OfAsync("sim", "paper", "refresh-nodes", "--babel", "rtt-max soon")).RefusesWith("--babel rtt-max soon: rtt-max soon: a number was expected");

    [Fact]
    public async Task Next_hops_of_running_nodes_are_set_beside_the_graph()
    {
        CliRun run = await CliRun.OfAsync("sim", "paper", "refresh-nodes", "--nodes", "8", "--tunnels", "2", "--rounds", "0", "--replicates", "1", "--babel", "max-rtt-penalty 5000 rtt-max 500 rtt-decay 125");
        Assert.Contains("graph, --worth routes", run.Out, StringComparison.Ordinal);
        Assert.Contains("n=8 k=2 cap=6 row=0", run.Out, StringComparison.Ordinal);
    }
}
