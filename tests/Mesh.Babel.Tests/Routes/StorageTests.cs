using Mesh.Babel.Routes;
using Mesh.Babel.Sources;
using Mesh.Babel.Tests.Network;

namespace Mesh.Babel.Tests.Routes;

/// <summary>The tables of the speaker beside plain ones.</summary>
public sealed class StorageTests
{
    private static readonly RouterId A = new(0xA), B = new(0xB), C = new(0xC);

    [Fact]
    public void A_life_in_an_octet_is_never_shorter_and_at_most_a_sixteenth_longer()
    {
        for (int interval = 1; interval <= ushort.MaxValue; interval++)
        {
            int ticks = HoldTime.Ticks((ushort)interval), kept = HoldTime.Decode(HoldTime.Encode((ushort)interval));
            Assert.InRange(kept, ticks, ((ticks + 9) / 10 * 10 * 17 / 16) + 9);
        }
    }

    [Fact]
    public void Rows_are_served_in_the_order_of_their_times_also_when_the_clock_comes_round()
    {
        var random = new SeededRandom(7);
        var rows = new Pool<RouteRow>(300);
        var timers = new RowTimers(rows);
        long now = uint.MaxValue - 5_000L;
        var expected = new Dictionary<int, long>();
        for (int i = 0; i < 300; i++)
            Assert.True(rows.TryAdd(new RouteRow { Flags = RowFlags.InUse }, out _));
        for (int step = 0; step < 20_000; step++)
        {
            int row = random.Below(300);
            if (random.Below(4) == 0)
            {
                timers.Disarm(row);
                expected.Remove(row);
            }
            else
            {
                long at = now + random.Below(3_000);
                timers.Arm(row, at);
                expected[row] = Math.Min(expected.GetValueOrDefault(row, long.MaxValue), at);
            }

            Assert.Equal(expected.Count > 0, timers.TryPeek(now, out long next));
            Assert.Equal(expected.Count > 0 ? expected.Values.Min() : long.MaxValue, next);
            now += random.Below(5);
            while (timers.TryTakeDue(now, out int due))
            {
                Assert.Equal(expected.Values.Min(), expected[due]);
                Assert.True(expected.Remove(due, out long time) && time <= now);
            }

            Assert.All(expected.Values, time => Assert.True(time > now));
        }

        Assert.True(now > uint.MaxValue);
    }

    [Fact]
    public void A_column_holds_what_was_put_there()
    {
        var random = new SeededRandom(8);
        var column = new RouteColumn();
        var expected = new SortedDictionary<int, (ushort Metric, SmoothedMetric? Smoothed)>();
        for (int step = 0; step < 20_000; step++)
        {
            int row = random.Below(2) == 0 ? random.Below(40) : random.Below(2_000);
            var smoothed = new SmoothedMetric((ushort)step, 1);
            if (!expected.TryGetValue(row, out (ushort Metric, SmoothedMetric? Smoothed) known))
            {
                column.Add(row, new RouteCell { RefMetric = (ushort)step, Flags = CellFlags.InUse });
                expected[row] = ((ushort)step, null);
            }
            else if (random.Below(3) == 0)
            {
                column.Settle(row, smoothed);
                expected[row] = (known.Metric, smoothed);
            }
            else if (random.Below(2) == 0)
            {
                column.Settled(row);
                expected[row] = (known.Metric, null);
            }
            else
            {
                column.Remove(row);
                expected.Remove(row);
            }
        }

        Assert.Equal(expected.Count, column.Count);
        Assert.Equal(expected.Keys, Rows());
        Assert.All(Enumerable.Range(0, 3_000), row => Assert.Equal(expected.ContainsKey(row), column.Contains(row)));
        foreach ((int row, (ushort metric, SmoothedMetric? smoothed)) in expected)
        {
            Assert.Equal(metric, column[row].RefMetric);
            Assert.Equal(smoothed, column[row].Is(CellFlags.Settling) ? column.Smoothed(row) : null);
        }

        IEnumerable<int> Rows()
        {
            for (int row = column.NextRow(-1); row >= 0; row = column.NextRow(row))
                yield return row;
        }
    }

    [Fact]
    public void Distances_to_several_origins_stay_apart_whichever_is_the_rows_own()
    {
        var random = new SeededRandom(9);
        var rows = new Pool<RouteRow>(1);
        var sources = new SourceTable(rows, limit: 3);
        Assert.True(rows.TryAdd(new RouteRow { Flags = RowFlags.InUse }, out int row));
        var expected = new Dictionary<RouterId, (FeasibilityDistance Distance, uint ExpiresAt)>();
        RouterId[] origins = [A, B, C];
        uint now = 0;
        for (int step = 0; step < 5_000; step++)
        {
            RouterId origin = origins[random.Below(3)];
            switch (random.Below(3))
            {
                case 0:
                    sources.ChangeOrigin(row, origin);
                    Assert.Equal(origin, rows[row].Origin);
                    break;
                case 1:
                    var told = new FeasibilityDistance(new Seqno((ushort)random.Below(3)), (ushort)random.Below(100));
                    uint expiresAt = now + 50 + (uint)random.Below(100);
                    Assert.True(sources.TryNoteSent(row, origin, told.Seqno, told.Metric, expiresAt));
                    if (expected.TryGetValue(origin, out (FeasibilityDistance Distance, uint) known) && !told.Seqno.IsNewerThan(known.Distance.Seqno))
                        told = told.Seqno == known.Distance.Seqno && told.Metric < known.Distance.Metric ? told : known.Distance;
                    expected[origin] = (told, expiresAt);
                    break;
                default:
                    now += (uint)random.Below(30);
                    int next = sources.Collect(row, now);
                    foreach ((RouterId lapsed, _) in expected.Where(pair => pair.Value.ExpiresAt <= now).ToList())
                        expected.Remove(lapsed);
                    Assert.Equal(expected.Count == 0 ? int.MaxValue : (int)(expected.Values.Min(static value => value.ExpiresAt) - now), next);
                    break;
            }

            Assert.Equal((expected.Count, expected.Count > 0), (sources.Count, sources.HasAny(row)));
            foreach (RouterId each in origins)
            {
                Assert.Equal(expected.TryGetValue(each, out (FeasibilityDistance Distance, uint) value), sources.TryGet(row, each, out FeasibilityDistance distance));
                if (expected.ContainsKey(each))
                    Assert.Equal(value.Distance, distance);
            }
        }
    }
}
