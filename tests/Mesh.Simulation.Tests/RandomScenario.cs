using System.Text;
using Mesh.Actors;

namespace Mesh.Simulation.Tests;

/// <summary>Scenario files made up at random: another world and other faults for each seed.</summary>
internal static class RandomScenario
{
    private static readonly string[] Nats = ["full-cone", "restricted", "port-restricted", "symmetric"];
    private static readonly string[] Cities = ["Paris", "Tokyo", "New York", "London", "Sydney", "Singapore"];

    /// <summary>The text of a scenario of 4 to 14 nodes and some virtual minutes.</summary>
    public static string Make(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        bool hasCities = random.Next(3) == 0;
        var text = new StringBuilder();
        Line($"scenario {{ name = random-{seed}, join-spread = {random.Next(1, 20)} s, cryptography = {(random.Next(4) == 0 ? "real" : "modelled")}");
        Line($"internet {{ base-latency = {random.Next(1, 20) * 100} us, jitter = {random.Next(3)} ms, loss = 0.0{random.Next(3)} }}");
        if (hasCities)
            Line("latency { model = geography }");
        Line($"clock-skew = {random.Next(5)} s");
        Line($"parameters {{ hello = {random.Next(2, 15)} s, client-count = {random.Next(1, 6)} }}");
        Line("sites = [");
        Line($"{{ name = open, nodes = {random.Next(2, 7)}{(hasCities ? $", city = \"{Cities[random.Next(Cities.Length)]}\"" : "")}{(random.Next(3) == 0 ? ", line { up = 2 Mbit/s, down = 8 Mbit/s }" : "")}, underlay = {(random.Next(4) == 0 ? "both" : "ipv4")} }}");
        for (int home = random.Next(4); home > 0; home--)
            Line($"{{ name = home{home}, nodes = {random.Next(1, 3)}, nat = {Nats[random.Next(Nats.Length)]}, maps-ports = {(random.Next(2) == 0 ? "true" : "false")} }}");
        Line("]");
        Line("steps = [");
        Line("{ do = wait, for = 60 s }");
        if (random.Next(2) == 0)
            Line($"{{ do = traffic, pairs = {random.Next(1, 10)}, interval = {random.Next(1, 10) * 100} ms }}");
        for (int fault = random.Next(2, 7); fault > 0; fault--)
        {
            Line(random.Next(10) switch
            {
                0 => "{ do = kill, share = 0.3 }",
                1 => "{ do = crash, share = 0.3 }",
                2 => "{ do = boot }",
                3 => "{ do = sleep, share = 0.2 }",
                4 => "{ do = wake }",
                5 => "{ do = partition, share = 0.5 }",
                6 => "{ do = rotate-keys }",
                7 => "{ do = chaos, for = 30 s, every = 10 s, faults = [ leave, kill ] }",
                8 => $"{{ do = set-parameters, parameters {{ hello = {random.Next(2, 15)} s }} }}",
                _ => $"{{ do = clock-jump, share = 0.3, by = {random.Next(1, 60)} s }}",
            });
            Line($"{{ do = wait, for = {random.Next(1, 60)} s }}");
        }

        Line("{ do = heal }");
        Line("{ do = boot }");
        Line("{ do = wake }");
        Line("{ do = wait, for = 60 s }");
        Line("{ do = ping, pairs = 20, attempts = 2 }");
        Line("] }");
        return text.ToString();

        void Line(string line) => text.AppendLine(line);
    }
}
