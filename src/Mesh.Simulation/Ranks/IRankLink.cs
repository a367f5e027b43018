namespace Mesh.Simulation.Ranks;

/// <summary>Joins the processes that compute one simulation together: a port, behind which is MPI, or threads of one process in tests.</summary>
/// <remarks>All ranks call <see cref="Exchange"/> equally often, one call at a time. Where one of them is gone the others are ended from outside: a call need not come back.</remarks>
public interface IRankLink
{
    /// <summary>Octets of the longest message from one rank to another.</summary>
    const int MaxMessage = 1 << 30;

    /// <summary>The number of this process, 0..<see cref="Count"/>-1.</summary>
    int Rank { get; }

    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>Gives each rank a message and gets one of each: a meeting of all.</summary>
    /// <param name="messages">By rank, at most <see cref="MaxMessage"/> octets each; that for oneself is not looked at.</param>
    /// <returns>What the others sent, by rank, and nothing from oneself. Good until the next call.</returns>
    IReadOnlyList<ReadOnlyMemory<byte>> Exchange(IReadOnlyList<ReadOnlyMemory<byte>> messages);
}
