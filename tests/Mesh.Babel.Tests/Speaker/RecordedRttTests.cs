using System.Text.Json;
using Mesh.Babel.Neighbours;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>Our speaker in the place of one babeld of a recording, by whose clock the other one's echoes make sense: 80 ms, then 10 ms, then 150 ms one way and 10 ms the other.</summary>
public sealed class RecordedRttTests
{
    private static readonly RttParameters Parameters = new() { Decay = 42 };

    [Theory]
    [InlineData("05-rtt-at-a", "fe80::a", "a")]
    [InlineData("05-rtt-at-b", "fe80::b", "b")]
    public void Round_trips_are_those_that_babeld_measured(string name, string self, string node)
    {
        JsonElement recording = Vectors.Load(name);
        var address = BabelAddress.Parse(self);
        List<(byte[] Payload, BabelAddress Source, JsonElement Packet)> packets = [.. Vectors.Packets(name)];
        (_, _, JsonElement first) = packets.First(p => p.Source == address);
        TimeSpan clock = TimeSpan.FromMicroseconds(first.GetProperty("body")[0].GetProperty("sub")[0].GetProperty("transmit_us").GetInt64()) - Vectors.Time(first);
        var bench = new Bench(parameters: new InterfaceParameters { Address = address, HelloInterval = TimeSpan.FromSeconds(2), Rtt = Parameters });
        Queue<JsonElement> observed = new(recording.GetProperty("observed_neighbour_state").EnumerateArray().Where(state => state.GetProperty("node").GetString() == node));
        double? theirs = null;
        double? expected = null;
        int judged = 0;
        foreach ((byte[] payload, BabelAddress source, JsonElement packet) in packets.Where(p => p.Source != address))
        {
            bench.Advance((clock + Vectors.Time(packet) - bench.Now).TotalSeconds);
            while (observed.TryPeek(out JsonElement state) && state.GetProperty("t").GetDouble() < packet.GetProperty("t").GetDouble() - 0.05)
            {
                Judge(observed.Dequeue());
            }

            bench.Receive(payload, peer: source);
            if (SampleOf(packet, bench.Now, self) is { } sample)
            {
                // babeld starts at twice the first sample, we start at the sample; afterwards both follow the same rule.
                theirs = theirs is { } before ? before + ((sample - before) * 42 / 256) : sample * 2;
                expected = expected is { } ours ? ours + ((sample - ours) * 42 / 256) : sample;
            }
        }

        Assert.True(judged >= 15, $"only {judged} states were compared");
        Assert.Equal(0, bench.Speaker[BabelCounter.RttSamplesRefused]);
        Assert.InRange(bench.Speaker[BabelCounter.RttSamples], 14, 100);

        void Judge(JsonElement state)
        {
            if (theirs is null)
                return;
            NeighbourSnapshot neighbour = Assert.Single(bench.Speaker.Neighbours());
            Assert.InRange(theirs.Value / 1000, state.GetProperty("rtt_ms").GetDouble() - 2, state.GetProperty("rtt_ms").GetDouble() + 2);
            Assert.InRange(neighbour.Rtt!.Value.TotalMicroseconds, expected!.Value - 20, expected.Value + 20);
            double distance = Math.Abs(Parameters.PenaltyOf((long)expected.Value) - neighbour.RttCost);
            Assert.True(distance <= (Parameters.PenaltyOf((long)(expected.Value * 4 / 3)) - Parameters.PenaltyOf((long)(expected.Value * 3 / 4))), "the cost is more than a quarter behind");
            Assert.Equal(96 + neighbour.RttCost, neighbour.Cost);
            judged++;
        }
    }

    private static double? SampleOf(JsonElement packet, TimeSpan now, string self)
    {
        JsonElement[] body = [.. packet.GetProperty("body").EnumerateArray().Where(tlv => tlv.TryGetProperty("sub", out _))];
        JsonElement[] ihus = [.. body.Where(tlv => tlv.GetProperty("tlv").GetString() == "IHU" && tlv.GetProperty("address").GetString() == self)];
        JsonElement[] hellos = [.. body.Where(tlv => tlv.GetProperty("tlv").GetString() == "Hello")];
        if (ihus.Length == 0 || hellos.Length == 0)
            return null;
        JsonElement echo = ihus[0].GetProperty("sub")[0];
        long ours = RoundTrip.ToMicroseconds(now) - echo.GetProperty("origin_us").GetInt64();
        return ours - (hellos[0].GetProperty("sub")[0].GetProperty("transmit_us").GetInt64() - echo.GetProperty("receive_us").GetInt64());
    }
}
