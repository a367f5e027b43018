namespace Mesh.Node.Ports;

/// <summary>Where secrets come from: the operating system's generator on real machines, the seed in a simulation.</summary>
public interface IEntropy
{
    /// <summary>Fills a span with octets that nobody can guess.</summary>
    void Fill(Span<byte> destination);
}
