using System.Text.RegularExpressions;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.Underlay.Geography;

namespace Mesh.Simulation.Tests.Scenarios;

/// <summary>What is written wrongly about the world and its workloads is reported with file, line, key and what was expected.</summary>
public sealed class BrokenWorldTests
{
    private const string Good = """
        scenario {
          name = test
          latency { model = geography, stretch = 2 }
          registry { city = Frankfurt }
          line { up = 1 Mbit/s, down = 20 Mbit/s, queue = 50 ms, jitter = 3 ms, loss = 0.01 }
          clock-skew = 2 s
          sites = [
            { name = paris, city = Paris, nodes = 2 }
            { name = home, latitude = -10.5, longitude = 20, nat = symmetric, nat-timeout = 30 s, carrier-nat = true, clock-skew = 0 s, line { up = 512 kbit/s }, cipher = aes-256-gcm }
            { name = late, join = later, tells-capabilities = false }
          ]
          steps = [
            { do = join, site = late, count = 1, spread = 5 s, shape = growing }
            { do = await-joined, within = 60 s }
            { do = churn, share = 0.025, every = 300 s, for = 1 h, kind = restart }
            { do = clock-jump, share = 0.5, by = -1 h }
            { do = skip, for = 365 d, every = 10 d, run = 1 h, min-renewals = 1 }
            { do = renew-authority, for = 3650 d }
            { do = traffic, pattern = hub, hub = paris-1, size = 1000, pairs = 5 }
            { do = stop-traffic, max-lost-share = 0.1, mean = 300 ms }
            { do = await-routes, share = 0.999 }
            { do = slow-disk, machine = registry, delay = 2 s }
            { do = full-disk, share = 0.5 }
            { do = good-disk }
            { do = replace, machine = paris-1 }
            { do = partition, sites = [ paris, home ] }
          ]
        }
        """;

    [Fact]
    public void A_good_world_is_read()
    {
        Scenario scenario = ScenarioReader.Parse(Good);
        Site paris = scenario.Sites[0], home = scenario.Sites[1], late = scenario.Sites[2];
        Assert.Equal(Cities.Find("Paris")!.Place, paris.Options.Place);
        Assert.Equal(new AccessLink { UpBitsPerSecond = 1e6, DownBitsPerSecond = 20e6, Queue = TimeSpan.FromMilliseconds(50), Jitter = TimeSpan.FromMilliseconds(3), Loss = 0.01 }, paris.Options.Access);
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.Zero, TimeSpan.FromSeconds(2)), (paris.Options.ClockSkew, home.Options.ClockSkew, scenario.RegistrySite.ClockSkew));
        Assert.Equal((true, NatKind.Symmetric, TimeSpan.FromSeconds(30), true, new Place(-10.5, 20)), (home.IsBehindNat, home.Options.NatKind, home.Options.NatTimeout, home.Options.HasCarrierNat, home.Options.Place));
        Assert.Equal((512e3, 20e6), (home.Options.Access.UpBitsPerSecond, home.Options.Access.DownBitsPerSecond));
        Assert.Equal((true, null, false), (late.JoinsLater, late.Options.Place, late.Options.TellsCapabilities));
        Assert.IsType<GlobeLatency>(scenario.Internet.Latency);
        Assert.Equal(
            [
                new JoinWave("late", 1, 1, TimeSpan.FromSeconds(5), WaveShape.Growing),
                new AwaitJoined(TimeSpan.FromMinutes(1)),
                new Churn(0.025, TimeSpan.FromMinutes(5), TimeSpan.FromHours(1), Replaces: false),
                new JumpClock(null, 0.5, TimeSpan.FromHours(-1)),
                new Skip(TimeSpan.FromDays(365), TimeSpan.FromDays(10), TimeSpan.FromHours(1), Restarts: true, 1),
                new RenewAuthority(TimeSpan.FromDays(3650)),
                new Traffic(5, TimeSpan.FromSeconds(1), TrafficPattern.Hub, 1000, "paris-1"),
                new StopTraffic(null) { MaxLostShare = 0.1, Mean = TimeSpan.FromMilliseconds(300) },
                new AwaitRoutes(TimeSpan.FromMinutes(1), 0.999),
                new SetDisk(new DiskCondition(TimeSpan.FromSeconds(2), IsFull: false), "registry", 1),
                new SetDisk(DiskCondition.Good with { IsFull = true }, null, 0.5),
                new SetDisk(DiskCondition.Good, null, 1),
                new ReplaceNodes("paris-1", 1),
            ],
            scenario.Steps.SkipLast(1));
        Assert.Equal(["paris", "home"], Assert.IsType<Partition>(scenario.Steps[^1]).Sites);
    }

    [Theory]
    [InlineData("model = geography", "model = flat", "3: scenario.latency.model: expected plane or geography or matrix, not 'flat'")]
    [InlineData("stretch = 2", "stretch = 0.5", "3: scenario.latency.stretch: expected a number from 1 to 10, not 0.5")]
    [InlineData("stretch = 2", "matrix = nowhere.txt", "3: scenario.latency.matrix: expected model = matrix, not geography")]
    [InlineData("model = geography, stretch = 2", "model = plane, stretch = 2", "3: scenario.latency.stretch: only model = geography has a stretch")]
    [InlineData("model = geography, stretch = 2", "matrix = nowhere.txt", "3: scenario.latency.matrix: nowhere.txt: Could not find file")]
    [InlineData("model = geography, stretch = 2", "model = matrix", "3: scenario.latency.matrix: is missing")]
    [InlineData("model = geography, stretch = 2", "", "4: scenario.registry.city: expected latency { model = geography } for places on the Earth")]
    [InlineData("city = Frankfurt", "city = Atlantis", "4: scenario.registry.city: there is no city 'Atlantis'; expected latitude and longitude, or one of Accra, ")]
    [InlineData("city = Frankfurt", "town = Frankfurt", "4: scenario.registry.town: unknown key; known here: city, clock-skew, latitude, line, longitude, row")]
    [InlineData("city = Frankfurt", "row = 1", "4: scenario.registry.row: expected latency { matrix = FILE } for a row of it")]
    [InlineData("up = 1 Mbit/s", "up = 1", "5: scenario.line.up: expected a rate such as 512 kbit/s, 20 Mbit/s or 1 Gbit/s, at least 1 kbit/s, not 1")]
    [InlineData("up = 1 Mbit/s", "up = 1 MB/s", "5: scenario.line.up: expected a rate")]
    [InlineData("up = 1 Mbit/s", "up = 1.2.3 Mbit/s", "5: scenario.line.up: expected a rate")]
    [InlineData("up = 1 Mbit/s", "up = -1 Mbit/s", "5: scenario.line.up: expected a rate")]
    [InlineData("queue = 50 ms", "queue = 0 ms", "5: scenario.line.queue: expected a duration from 1 ms to 60 s")]
    [InlineData("loss = 0.01", "loss = 1", "5: scenario.line.loss: expected a number from 0 to 0.99, not 1")]
    [InlineData("jitter = 3 ms", "shake = 3 ms", "5: scenario.line.shake: unknown key; known here: down, jitter, loss, queue, up")]
    [InlineData("clock-skew = 2 s", "clock-skew = -2 s", "6: scenario.clock-skew: expected a duration from 0 ms to 3153600000 s")]
    [InlineData("city = Paris", "city = Paris, latitude = 1, longitude = 2", "8: scenario.sites[0].city: expected either a city or latitude and longitude")]
    [InlineData("city = Paris", "nat-timeout = 30 s", "8: scenario.sites[0].nat-timeout: only a site behind NAT has a box with mappings")]
    [InlineData("city = Paris", "carrier-nat = true", "8: scenario.sites[0].carrier-nat: only a site behind NAT can be behind a second one")]
    [InlineData("latitude = -10.5", "latitude = -91", "9: scenario.sites[1].latitude: expected a number from -90 to 90, not -91")]
    [InlineData("latitude = -10.5, ", "", "9: scenario.sites[1].latitude: is missing")]
    [InlineData("nat = symmetric", "nat = oblique", "9: scenario.sites[1].nat: expected true or false or full-cone or restricted or port-restricted or symmetric, not 'oblique'")]
    [InlineData("cipher = aes-256-gcm", "underlay = ipx", "9: scenario.sites[1].underlay: expected ipv4 or ipv6 or both, not 'ipx'")]
    [InlineData("cipher = aes-256-gcm", "underlay = ipv6", "9: scenario.sites[1].underlay: NAT is of IPv4: expected underlay = both for public addresses of IPv6 behind it")]
    [InlineData("cipher = aes-256-gcm", "cipher = rot13", "9: scenario.sites[1].cipher: expected aes-256-gcm or chacha20-poly1305, not 'rot13'")]
    [InlineData("join = later", "join = never", "10: scenario.sites[2].join: expected start or later, not 'never'")]
    [InlineData("site = late", "site = paris", "13: scenario.steps[0].site: there is no site 'paris' with join = later")]
    [InlineData("join = later, ", "", "13: scenario.steps[0].site: there is no site 'late' with join = later")]
    [InlineData("count = 1", "count = 1, share = 0.5", "13: scenario.steps[0].count: expected either count or share")]
    [InlineData("shape = growing", "shape = round", "13: scenario.steps[0].shape: expected even or burst or growing or fading, not 'round'")]
    [InlineData("kind = restart", "kind = both", "15: scenario.steps[2].kind: expected replace or restart, not 'both'")]
    [InlineData("every = 300 s, ", "", "15: scenario.steps[2].every: is missing")]
    [InlineData("by = -1 h", "by = soon", "16: scenario.steps[3].by: expected a duration from -3153600000 s to 3153600000 s, not")]
    [InlineData("share = 0.5, by", "machine = paris-9, by", "16: scenario.steps[3].machine: there is no machine 'paris-9'")]
    [InlineData("run = 1 h", "run = 11 d", "17: scenario.steps[4].run: expected at most as long as every")]
    [InlineData("for = 3650 d", "for = 1 s", "18: scenario.steps[5].for: expected a duration from 3600 s to 3153600000 s, not")]
    [InlineData("hub = paris-1", "hub = rome-1", "19: scenario.steps[6].hub: there is no node 'rome-1'")]
    [InlineData(", hub = paris-1", "", "19: scenario.steps[6].hub: is missing")]
    [InlineData("pattern = hub", "pattern = random", "19: scenario.steps[6].hub: only pattern = hub has one")]
    [InlineData("size = 1000", "size = 9000", "19: scenario.steps[6].size: expected a whole number from 0 to 1200, not 9000")]
    [InlineData("max-lost-share = 0.1", "max-lost-share = 10", "20: scenario.steps[7].max-lost-share: expected a number from 0 to 1, not 10")]
    [InlineData("share = 0.999 }", "share = 0 }", "21: scenario.steps[8].share: expected a number from 0.001 to 1, not 0")]
    [InlineData("delay = 2 s", "", "22: scenario.steps[9].delay: is missing")]
    [InlineData("machine = registry, delay", "machine = moon, delay", "22: scenario.steps[9].machine: there is no machine 'moon'")]
    [InlineData("full-disk, share = 0.5", "full-disk, machine = paris-1, share = 0.5", "23: scenario.steps[10].share: unknown key")]
    [InlineData("full-disk, share = 0.5", "await-refused, within = soon", "23: scenario.steps[10].within: ")]
    [InlineData("full-disk, share = 0.5", "lying-disk, cache = 0 s", "23: scenario.steps[10].cache: expected")]
    [InlineData("full-disk, share = 0.5", "lying-disk, delay = 1 s", "23: scenario.steps[10].delay: unknown key")]
    [InlineData("full-disk, share = 0.5", "full-disk, share = much", "23: scenario.steps[10].share: expected a number from 0 to 1")]
    [InlineData("replace, machine = paris-1", "replace, machine = registry", "25: scenario.steps[12].machine: there is no node 'registry'")]
    [InlineData("sites = [ paris, home ]", "sites = [ paris, mars ]", "26: scenario.steps[13].sites: there is no site 'mars'")]
    [InlineData("partition, sites = [ paris, home ]", "lan-merge, sites = [ paris ]", "26: scenario.steps[13].sites: there is no site 'paris' with lan = true")]
    [InlineData("partition, sites = [ paris, home ]", "lan-split", "26: scenario.steps[13].sites: is missing")]
    [InlineData("sites = [ paris, home ]", "sites = paris", "26: scenario.steps[13].sites: expected a list of texts")]
    public void A_problem_names_file_line_key_and_what_was_expected(string text, string replacement, string problem)
    {
        Assert.Contains(text, Good, StringComparison.Ordinal);
        var refused = Assert.Throws<ScenarioException>(() => ScenarioReader.Parse(Good.Replace(text, replacement, StringComparison.Ordinal), "my.conf"));
        string[] parts = problem.Split(": ", 2);
        Assert.Contains(refused.Problems, p => Regex.IsMatch(p, $@"^my\.conf:{parts[0]}:\d+: {Regex.Escape(parts[1])}", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_matrix_is_found_beside_the_scenario_and_its_mistakes_are_those_of_the_scenario()
    {
        string folder = Directory.CreateTempSubdirectory("matrix").FullName;
        try
        {
            string file = Path.Combine(folder, "s.conf"), text = "scenario { name = m, latency { matrix = m.txt }, sites = [ { name = a, row = 2 } ], steps = [] }";
            File.WriteAllText(file, text);
            File.WriteAllText(Path.Combine(folder, "m.txt"), "10000 20000\n30000\n");
            Scenario scenario = ScenarioReader.Load(file);
            Assert.Equal(MatrixLatency.Row(2), scenario.Sites[0].Options.Place);
            Assert.Equal(15, scenario.Internet.Latency.Milliseconds(MatrixLatency.Row(1), MatrixLatency.Row(2)));

            File.WriteAllText(file, text.Replace("row = 2", "row = 3", StringComparison.Ordinal));
            Assert.Contains("scenario.sites[0].row: expected a whole number from 0 to 2, not 3", Assert.Throws<ScenarioException>(() => ScenarioReader.Load(file)).Message, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, "m.txt"), "10000 20000\nfast\n");
            string problem = Assert.Throws<ScenarioException>(() => ScenarioReader.Load(file)).Problems[0];
            Assert.StartsWith($"{file}:1:", problem, StringComparison.Ordinal);
            Assert.Contains("m.txt:2: expected a round-trip time in whole microseconds", problem, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
