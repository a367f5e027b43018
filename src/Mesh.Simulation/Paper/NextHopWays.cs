namespace Mesh.Simulation.Paper;

/// <summary>Where next hops lead when they are followed from node to node, as packets do.</summary>
/// <param name="MeanMicroseconds">Mean round trip over the ordered pairs that are reached, each node with itself among them.</param>
/// <param name="WorstMicroseconds">The longest.</param>
/// <param name="MeanHops">Mean number of hops.</param>
/// <param name="Loops">Ordered pairs between which they lead in a circle.</param>
/// <param name="DeadEnds">Ordered pairs between which a node on the way has none.</param>
internal readonly record struct NextHopWays(double MeanMicroseconds, int WorstMicroseconds, double MeanHops, long Loops, long DeadEnds)
{
    /// <summary>Follows them.</summary>
    /// <param name="next">For each node (row) and destination (column) the node that it sends to, -1 where it has none.</param>
    /// <param name="latencies">What a hop takes.</param>
    public static NextHopWays Follow(int[][] next, Latencies latencies)
    {
        int nodes = next.Length, worst = 0;
        long sum = 0, hops = 0, loops = 0, deadEnds = 0;
        for (int destination = 0; destination < nodes; destination++)
        {
            for (int source = 0; source < nodes; source++)
            {
                int at = source, steps = 0, time = 0;
                while (at != destination && steps <= nodes && next[at][destination] is >= 0 and int hop)
                {
                    time += latencies.Microseconds(at, hop);
                    at = hop;
                    steps++;
                }

                if (at != destination)
                {
                    loops += steps > nodes ? 1 : 0;
                    deadEnds += steps > nodes ? 0 : 1;
                    continue;
                }

                sum += time;
                hops += steps;
                worst = Math.Max(worst, time);
            }
        }

        double reached = ((double)nodes * nodes) - loops - deadEnds;
        return new NextHopWays(sum / reached, worst, hops / reached, loops, deadEnds);
    }
}
