using Mesh.Protocol.Addressing;

namespace Mesh.Node.Certificates;

/// <summary>Published when a peer has closed a tunnel because this node may have none with it: its certificate may have been revoked. Members can lie, so it is a reason to ask the registry, no more.</summary>
/// <param name="By">The peer.</param>
public sealed record CertificateDoubted(NodePrefix By);

/// <summary>Published when the registry's answer to hello says that this node is none of its own. Nothing proves that the answer comes from the registry, so it is a reason to ask for a proof, no more.</summary>
public sealed record DisownedByRegistry;
