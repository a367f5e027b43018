using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary>Builds the random overlay of the hop, kill and cut experiments: builder 1 of re6st's simulation (cb13b00), section 2.</summary>
/// <remarks>
/// Nodes are handled in the order of their numbers, and each draws its targets uniformly. A draw is repeated until the target is another node, its arity is at most
/// the cap, and, where its own turn has not come, at most the cap less the tunnels that it is still going to open. Three oddities are kept, because the published numbers contain them: both
/// comparisons allow equality, so an arity reaches the cap plus one; two nodes may get several tunnels; and a node's own arity does not stop it from opening.
/// </remarks>
public static class OverlayBuilder
{
    // After so many draws in a row without success it is worth looking whether anybody is left at all.
    private const int PatientDraws = 1000;

    /// <summary>Draws an overlay.</summary>
    /// <returns>The tunnels: entry <c>i * shape.Tunnels + t</c> is the target of the tunnel that node <c>i</c> opened as number <c>t</c>.</returns>
    /// <exception cref="OverlayException">The cap is so tight that a node finds nobody. (The original searches for ever.)</exception>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than two nodes, no tunnel, or more of them than <see cref="OverlayShape.MaxTunnels"/>.</exception>
    public static int[] Draw(OverlayShape shape, DeterministicRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (shape.Nodes < 2 || shape.Tunnels < 1 || (long)shape.Nodes * shape.Tunnels > OverlayShape.MaxTunnels)
            throw new ArgumentOutOfRangeException(nameof(shape), shape, $"expected at least 2 nodes, at least 1 tunnel, and at most {OverlayShape.MaxTunnels} tunnels in all");
        int[] targets = new int[shape.Nodes * shape.Tunnels], arity = new int[shape.Nodes];
        for (int node = 0; node < shape.Nodes; node++)
        {
            for (int tunnel = 0; tunnel < shape.Tunnels; tunnel++)
            {
                int target = DrawTarget(shape, node, tunnel, arity, random);
                targets[(node * shape.Tunnels) + tunnel] = target;
                arity[node]++;
                arity[target]++;
            }
        }

        return targets;
    }

    /// <summary>Whether <paramref name="node"/>, whose turn it is, may open a tunnel to <paramref name="target"/>.</summary>
    internal static bool Accepts(OverlayShape shape, int node, int target, ReadOnlySpan<int> arity) =>
        target != node && (target < node || arity[target] <= shape.Cap - shape.Tunnels) && arity[target] <= shape.Cap;

    private static int DrawTarget(OverlayShape shape, int node, int opened, int[] arity, DeterministicRandom random)
    {
        for (int draws = 1; ; draws++)
        {
            int target = random.Next(shape.Nodes);
            if (Accepts(shape, node, target, arity))
                return target;
            if (draws % PatientDraws == 0 && !IsAnybodyLeft(shape, node, arity))
                throw OverlayException.NobodyLeft(node, shape, opened);
        }
    }

    private static bool IsAnybodyLeft(OverlayShape shape, int node, int[] arity)
    {
        for (int target = 0; target < shape.Nodes; target++)
        {
            if (Accepts(shape, node, target, arity))
                return true;
        }

        return false;
    }
}
