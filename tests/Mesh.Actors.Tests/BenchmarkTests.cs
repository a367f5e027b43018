using Mesh.Benchmarks;

namespace Mesh.Actors.Tests;

/// <summary>Every benchmark runs, with tiny parameters: its numbers mean nothing here, its report does.</summary>
public sealed class BenchmarkTests
{
    [Fact]
    public void The_kernel_area_measures_every_metric_and_writes_it_as_json()
    {
        string file = Path.Combine(Path.GetTempPath(), $"{nameof(BenchmarkTests)}-{Environment.ProcessId}.json");
        try
        {
            var output = new StringWriter();
            Assert.Equal(0, Program.Run(["kernel", "--quick", "--json", file], output, TextWriter.Null));
            BenchmarkReport report = BenchmarkReport.FromJson(File.ReadAllText(file));
            string[] expected =
            [
                "messages_per_second_one_loop", "events_per_second_virtual_delay_10k", "messages_per_second_two_loops", "bytes_per_idle_actor",
                "spawns_per_second", "timers_per_second", "allocated_bytes_per_message", "persisted_events_per_second_in_memory",
            ];
            Assert.Equal(expected, report.Metrics.Select(m => m.Name).Where(name => name != "persisted_events_per_second"));   // where a durable journal is at hand
            Assert.True(report.IsQuick);
            Assert.Equal("Mesh.Benchmarks kernel --quick --json " + file, report.Command);
            Assert.NotEmpty(report.Commit);
            Assert.All(report.Metrics, m => Assert.InRange(m.Value, m.Min, m.Max));
            Assert.All(report.Metrics.Where(m => m.Better == Better.Higher), m => Assert.True(m.Value > 0, m.Name));
            Assert.All(expected, name => Assert.Contains(name, output.ToString(), StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_journal_that_is_plugged_in_is_measured_in_a_directory_of_its_own()
    {
        var directories = new List<string>();
        var options = new BenchmarkOptions
        {
            IsQuick = true,
            JournalFactory = directory =>
            {
                Assert.Empty(System.IO.Directory.GetFileSystemEntries(directory));
                directories.Add(directory);
                return new Actors.Persistence.InMemoryJournal(new Actors.Persistence.SimulatedDisk());
            },
        };
        Metric metric = BenchmarkRunner.Run(BenchmarkRunner.Find("kernel")!, options).Metrics[^1];
        Assert.Equal(("persisted_events_per_second", 100e3), (metric.Name, metric.Target));
        Assert.True(metric.Value > 0);
        Assert.Equal(3, directories.Distinct().Count());
        Assert.All(directories, d => Assert.False(System.IO.Directory.Exists(d)));
    }

    [Theory]
    [InlineData("nonsense: there is no such area", "nonsense")]
    [InlineData("an area must be named")]
    [InlineData("--json: a file name must follow", "kernel", "--json")]
    [InlineData("--fast: there is no such option", "kernel", "--fast")]
    [InlineData("kernel: one area at a time", "kernel", "kernel")]
    public void A_command_line_that_makes_no_sense_lists_the_areas(string problem, params string[] args)
    {
        var errors = new StringWriter();
        Assert.Equal(2, Program.Run(args, TextWriter.Null, errors));
        Assert.Contains(problem, errors.ToString(), StringComparison.Ordinal);
        Assert.All(BenchmarkRunner.Areas, area => Assert.Contains(area.Name + ": ", errors.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void The_median_and_the_ratio_read_the_way_their_metric_goes()
    {
        Metric even = Metric.Of("speed", "m/s", Better.Higher, [4, 1, 3, 2]) with { Target = 2, Peer = "snail", PeerValue = 0.5 };
        Assert.Equal((2.5, 1.0, 4.0, 4), (even.Value, even.Min, even.Max, even.Repetitions));
        Assert.Equal((5.0, true), (even.Ratio, even.MeetsTarget));
        Metric odd = Metric.Of("size", "bytes", Better.Lower, [30, 10, 20]) with { Target = 19, PeerValue = 40 };
        Assert.Equal((20.0, 2.0, false), (odd.Value, odd.Ratio, odd.MeetsTarget));
    }

    [Fact]
    public void Json_names_the_direction_and_leaves_out_what_is_not_known()
    {
        var report = new BenchmarkReport("abc", "m", "c", [new Metric("size", 20, "bytes", Better.Lower)]);
        Assert.Contains("\"better\": \"lower\"", report.ToJson(), StringComparison.Ordinal);
        Assert.DoesNotContain("peer", report.ToJson(), StringComparison.Ordinal);
        Assert.Equal(report.Metrics, BenchmarkReport.FromJson(report.ToJson()).Metrics);
    }
}
