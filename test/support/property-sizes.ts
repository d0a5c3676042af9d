import fc from 'fast-check'

/** By default fast-check generates at most about ten elements, whatever `maxLength` says. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), defaultSizeToMaxWhenMaxSpecified: true })
