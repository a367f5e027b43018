using System.Collections.Immutable;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Registry.Parameters;

/// <summary>What the <see cref="ParametersActor"/> can be asked.</summary>
public abstract record ParametersCommand
{
    private protected ParametersCommand()
    {
    }
}

/// <summary>The network's parameters, for a node. Answer: <see cref="ParametersEncoded"/>, <see cref="ParametersGiven"/> or, while a version is being signed that they need, <see cref="Overloaded"/>.</summary>
/// <param name="Prefix">The node, whose certificate has been looked up.</param>
/// <param name="Pem">Its certificate: keys are encrypted for it.</param>
public sealed record GetParameters(NodePrefix Prefix, string Pem) : ParametersCommand;

/// <summary>The body of an answer that somebody has made from <see cref="ParametersGiven"/>, so that it need not be made again.</summary>
public sealed record KeepEncoded(NodePrefix Prefix, string Pem, NetworkVersion Version, byte[] Body) : ParametersCommand;

/// <summary>Which version is published? Answer: <see cref="PublishedParameters"/>.</summary>
public sealed record GetPublished : ParametersCommand;

/// <summary>Who has asked for the published version? Answer: <see cref="Fetches"/>.</summary>
public sealed record GetFetches : ParametersCommand;

/// <summary>Is the version out that follows from a step of the key rotation? Answer: <see cref="Done"/>, when it is, or at once in a network without nodes.</summary>
/// <param name="Steps">See <see cref="Rotation.RotationStatus.Steps"/>.</param>
public sealed record AwaitSteps(long Steps) : ParametersCommand;

/// <summary>Take over a version from elsewhere, unless there is an own one already. Answer: <see cref="Revocation.Adopted"/>.</summary>
/// <param name="Version">The signed version, in the octets of the wire.</param>
/// <param name="Content">What was signed under it, as <see cref="NetworkParameters.VersionedContent"/> writes it; null where that is not known, which makes a new version.</param>
/// <param name="Steps">Steps of the key rotation that it includes.</param>
public sealed record AdoptVersion(ImmutableArray<byte> Version, string? Content, long Steps) : ParametersCommand;

/// <summary>The published parameters. Keys are plain here; they are encrypted for the node on the way out.</summary>
/// <param name="Parameters">Without keys for routing messages.</param>
/// <param name="SignKey">Key that routing messages are signed with, or null.</param>
/// <param name="AcceptKey">Second key that is accepted; empty: any signature; null: none.</param>
public sealed record ParametersGiven(NetworkParameters Parameters, byte[]? SignKey, byte[]? AcceptKey) : RegistryAnswer
{
    /// <summary>The version only: keys are secret.</summary>
    public override string ToString() => $"parameters {Parameters.Version}";
}

/// <summary>The body of the answer, as it was made for the same node before.</summary>
public sealed record ParametersEncoded(byte[] Body) : RegistryAnswer;

/// <summary>What is published.</summary>
/// <param name="Number">Of the version; 0 before the first.</param>
/// <param name="Parameters">The parameters, or null before the first version.</param>
public sealed record PublishedParameters(ulong Number, NetworkParameters? Parameters) : RegistryAnswer;

/// <summary>Who has asked for the published version since this process serves the network.</summary>
/// <param name="By">The nodes.</param>
public sealed record Fetches(ImmutableSortedSet<NodePrefix> By) : RegistryAnswer;

/// <summary>Published on the event stream: the network has new parameters.</summary>
/// <param name="Version">Their version.</param>
/// <param name="RegistryPrefix">The node next to the registry, which passes the news on.</param>
public sealed record VersionPublished(NetworkVersion Version, NodePrefix RegistryPrefix);

/// <summary>The network has new parameters. Stored for ever.</summary>
/// <param name="Version">The signed version, in the octets of the wire.</param>
/// <param name="ContentDigest">Of the text whose change makes the next version, see <see cref="ParametersActor.DigestOf"/>; null where that is not known. Not the text itself: it has the whole
/// revocation list, so that a journal would grow with the square of the revocations.</param>
/// <param name="Steps">Steps of the key rotation that are included.</param>
public sealed record VersionSigned(byte[] Version, string? ContentDigest, long Steps);
