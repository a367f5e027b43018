using Mesh.Security.Keys;

namespace Mesh.Node.Tests.Doubles;

/// <summary>Entropy that a test can foretell: the first fill is all ones, the second all twos, ...</summary>
internal sealed class CountingEntropy : IEntropy
{
    public byte Fills { get; private set; }

    public void Fill(Span<byte> destination) => destination.Fill(++Fills);
}
