using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Platform.Linux.Streams;

/// <summary>One TLS 1.3 handshake with certificates on both sides, judged by <see cref="TlsStreamOptions.Judge"/> and by nothing else.</summary>
/// <remarks>Sessions are not resumed: each time both ends show that they have their keys.</remarks>
internal sealed class TlsHandshake(TlsStreamOptions options)
{
    private string? _problem;
    private bool _wasAsked;

    /// <summary>The peer's certificate, DER, after a handshake that succeeded.</summary>
    public ReadOnlyMemory<byte> PeerCertificate { get; private set; }

    /// <summary>Shakes hands.</summary>
    /// <exception cref="AuthenticationException">The peer's certificate is not in order, or it does not speak TLS 1.3. The message says which.</exception>
    public async Task ShakeAsync(SslStream tls, bool accepted, CancellationToken cancelled)
    {
        X509Certificate2 certificate = options.Certificate();
        SslStreamCertificateContext context = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        try
        {
            if (accepted)
            {
                await tls.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions
                    {
                        EnabledSslProtocols = SslProtocols.Tls13,
                        ServerCertificateContext = context,
                        ClientCertificateRequired = true,
                        RemoteCertificateValidationCallback = IsInOrder,
                        CertificateChainPolicy = NoLookups(),
                        AllowTlsResume = false,
                        AllowRenegotiation = false,
                    },
                    cancelled).ConfigureAwait(false);
            }
            else
            {
                await tls.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions
                    {
                        EnabledSslProtocols = SslProtocols.Tls13,
                        ClientCertificateContext = context,
                        TargetHost = "",
                        RemoteCertificateValidationCallback = IsInOrder,
                        CertificateChainPolicy = NoLookups(),
                        AllowTlsResume = false,
                        AllowRenegotiation = false,
                    },
                    cancelled).ConfigureAwait(false);
            }
        }
        catch (AuthenticationException e) when (_wasAsked && _problem is not null)
        {
            throw new CertificateRefusedException($"the peer's certificate was refused: {_problem}", e);
        }
    }

    private bool IsInOrder(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        _wasAsked = true;
        if (certificate is not null)
            PeerCertificate = certificate.GetRawCertData();
        _problem = certificate is null ? "it showed none" : options.Judge(PeerCertificate);
        return _problem is null;
    }

    // .NET builds a chain before it asks us, whatever we then say. It shall not go looking for issuers and revocation lists on the network.
    private static X509ChainPolicy NoLookups() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };
}

/// <summary>The peer's certificate is not in order.</summary>
internal sealed class CertificateRefusedException(string message, Exception innerException) : AuthenticationException(message, innerException);
