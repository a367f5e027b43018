using System.Security.Cryptography;

namespace Mesh.Security.Keys;

/// <summary>Where secret octets come from. A simulation puts a seeded source here, so that a run can be repeated.</summary>
public interface IEntropy
{
    /// <summary>Fills the whole span with octets that nobody can guess.</summary>
    void Fill(Span<byte> destination);
}

/// <summary>The generator of the operating system: what every real node uses.</summary>
public sealed class SystemEntropy : IEntropy
{
    private SystemEntropy()
    {
    }

    /// <summary>The only instance; it has no state.</summary>
    public static SystemEntropy Instance { get; } = new();

    /// <inheritdoc/>
    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
