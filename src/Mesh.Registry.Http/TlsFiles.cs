using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Registry.Http;

/// <summary>The registry's certificate for TLS, from files that may be replaced while it runs.</summary>
/// <remarks>
/// The files are looked at when somebody connects, once a second at most. Files that changed but cannot be used (half written, or not a pair) are
/// reported, the last good ones stay in use, and it is tried again.
/// </remarks>
internal sealed class TlsFiles
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly TimeProvider _clock;
    private readonly Action<string>? _warn;
    private readonly RegistryMetrics.Counter _failed;
    private readonly Lock _lock = new();
    private SslServerAuthenticationOptions _options;
    private Stamp _loaded;
    private Stamp _reported;
    private long _lookedAt;

    /// <exception cref="RegistryTlsException">The files cannot be used.</exception>
    public TlsFiles(string certificatePath, string keyPath, TimeProvider clock, Action<string>? warn, RegistryMetrics.Counter failed)
    {
        (_certificatePath, _keyPath, _clock, _warn, _failed) = (certificatePath, keyPath, clock, warn, failed);
        _lookedAt = clock.GetTimestamp();
        _loaded = Look();
        try
        {
            _options = Load();
        }
        catch (Exception e) when (IsExpected(e))
        {
            throw new RegistryTlsException(Describe(e), e);
        }
    }

    /// <summary>What the next handshake uses.</summary>
    public SslServerAuthenticationOptions Current()
    {
        lock (_lock)
        {
            long now = _clock.GetTimestamp();
            if (_clock.GetElapsedTime(_lookedAt, now) < LookInterval)
                return _options;
            _lookedAt = now;
            Stamp found = Look();
            if (found == _loaded)
                return _options;
            try
            {
                _options = Load();
                _loaded = found;
            }
            catch (Exception e) when (IsExpected(e))
            {
                _failed.Increment();
                if (found != _reported)   // one line for each change, not one a second
                    _warn?.Invoke($"{Describe(e)} The certificate from before stays in use.");
                _reported = found;
            }

            return _options;
        }
    }

    private SslServerAuthenticationOptions Load()
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_certificatePath);
        X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(_certificatePath, _keyPath);
        return new SslServerAuthenticationOptions
        {
            // What follows the first certificate in the file leads to its authority; nothing is fetched from elsewhere.
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, [.. chain.Skip(1)], offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        };
    }

    private Stamp Look() => new(StampOf(_certificatePath), StampOf(_keyPath));

    private static (DateTime Written, long Length) StampOf(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private static bool IsExpected(Exception e) => e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    private string Describe(Exception e) => $"The certificate for TLS cannot be used ({_certificatePath} with the key {_keyPath}): {e.Message.TrimEnd('.')}.";

    private readonly record struct Stamp((DateTime Written, long Length) Certificate, (DateTime Written, long Length) Key);
}
