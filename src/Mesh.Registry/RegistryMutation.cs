namespace Mesh.Registry;

/// <summary>A mistake that is made on purpose, so that tests can show that somebody notices it.</summary>
internal enum RegistryMutation
{
    /// <summary>None.</summary>
    None,

    /// <summary>After a restart, uses of tokens are forgotten.</summary>
    ForgetSpentTokens,

    /// <summary>After a restart, every other certificate is forgotten, and with it who owns the prefix.</summary>
    ForgetCertificates,

    /// <summary>The next step of a rotation of the routing keys does not wait for anybody.</summary>
    StepTooEarly,
}
