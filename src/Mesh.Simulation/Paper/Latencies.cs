namespace Mesh.Simulation.Paper;

/// <summary>Round-trip times between all pairs of nodes.</summary>
public abstract class Latencies(string name, int nodes)
{
    /// <summary>What the results call it.</summary>
    public string Name => name;

    /// <summary>Nodes, 0 to one less.</summary>
    public int Nodes => nodes;

    /// <summary>The round-trip time between two nodes in microseconds, or 0 where it is not known. The same in both directions.</summary>
    public abstract int Microseconds(int one, int other);

    /// <summary>Mean of the times that are known, each pair once, in microseconds.</summary>
    public double DirectMean()
    {
        long sum = 0, known = 0;
        for (int i = 0; i < Nodes; i++)
        {
            for (int j = i + 1; j < Nodes; j++)
            {
                int time = Microseconds(i, j);
                sum += time;
                known += time > 0 ? 1 : 0;
            }
        }

        return known == 0 ? 0 : (double)sum / known;
    }
}

/// <summary>One microsecond between any two nodes, so that latency is hops.</summary>
public sealed class UnitLatencies(int nodes) : Latencies("unit", nodes)
{
    /// <inheritdoc/>
    public override int Microseconds(int one, int other) => 1;
}
