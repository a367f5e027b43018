using Mesh.Protocol.Addressing;

namespace Mesh.Security.Certificates;

/// <summary>What the registry decides about a certificate, whatever the request says.</summary>
/// <param name="Prefix">The node's prefix: becomes the common name.</param>
/// <param name="SubjectSerial">The node's number for IPv4: becomes the serialNumber of the subject; null: the subject has none.</param>
/// <param name="SerialNumber">Number of the certificate, from 1, never used twice.</param>
/// <param name="NotBefore">First instant of validity.</param>
/// <param name="NotAfter">Last instant of validity.</param>
public sealed record IssuedIdentity(NodePrefix Prefix, uint? SubjectSerial, ulong SerialNumber, DateTimeOffset NotBefore, DateTimeOffset NotAfter);
