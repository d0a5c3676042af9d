import fc from 'fast-check'

/** Otherwise fast-check makes nothing longer than ten, whatever `maxLength` says. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), defaultSizeToMaxWhenMaxSpecified: true })
